/**
 * A store with many backups of one volume, and a catalog that knows nothing of it: `node bench/adopt.ts [backups]`;
 * build first. The built program runs in a process of its own. For comparison, it prints the cost of only reading all
 * manifests.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { executeOverHttp } from '../src/client/execute-over-http.ts'
import { RebuildCatalogDocument } from '../src/client/generated/operations.ts'
import { BackupsDocument } from '../test/support/client/generated/operations.ts'
import { factsOf, OBJECT } from '../test/support/store-samples.ts'

const BACKUPS = Number(process.argv[2] ?? 10_000)
const [PORT, DAEMON_PORT, IP] = [19_432, 19_433, '127.0.0.1'] as const
const ARCHIVE = 'hello-hello.web.web-1-data-db'
const LOOKS = 200
if (BACKUPS > 10_000) throw new Error('The controller counts up to 10,000 backups: give at most as many')
const folder = mkdtempSync(join(tmpdir(), 'backupd-adopt-'))
const [store, data, source] = [join(folder, 'store'), join(folder, 'data'), join(folder, 'volume')]
const namespace = join(store, IP)
const execute = executeOverHttp(`http://127.0.0.1:${PORT}`)

try {
  fillStore()
  print('reading every manifest, one after the other', await timed(readManifests))
  await withProgram('from an empty catalog to all of it', async () => {
    print('rebuildCatalog, nothing changed', await timed(rebuild))
    const times: number[] = []
    for (let n = 0; n < LOOKS; n++) times.push(await timed(listVolume))
    times.sort((a, b) => a - b)
    print('first page of the volume, median', times[LOOKS >> 1] ?? 0)
    print('first page of the volume, p99', times[Math.floor(LOOKS * 0.99)] ?? 0)
  })
  rmSync(join(data, 'controller'), { recursive: true, force: true })
  for (const name of readdirSync(data)) if (name.startsWith('catalog')) rmSync(join(data, name))
  await withProgram('the same once the catalog is lost', async () => {})
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function print(what: string, amount: number, unit = 'ms'): void {
  console.log(`${what.padEnd(54)} ${amount.toFixed(1).padStart(10)} ${unit}`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** A namespace as both systems leave it: archives, our manifests beside them, and `.meta` with all of them. */
function fillStore(): void {
  for (const dir of [namespace, source]) mkdirSync(dir, { recursive: true })
  const first = Math.floor(Date.now() / 1000) - BACKUPS * 60
  const entities = Array.from({ length: BACKUPS }, (_, n) => addBackup(first + n * 60, n + 1))
  writeFileSync(join(namespace, '.meta'), JSON.stringify({ [source]: entities }))
  writeFileSync(
    join(folder, 'inventory.yaml'),
    `apps: { hello: { web: { on: [${IP}], volumes: { /data/db: { path: ${source}, backup_full: { schedule: "0 5 1 1 *", expire: 9999d } } } } } }\n`,
  )
}

function addBackup(seconds: number, sequence: number) {
  const name = `${ARCHIVE}-${seconds}.tar.gz`
  const created = new Date(seconds * 1000).toISOString()
  const facts = factsOf(`${seconds}${'a'.repeat(32)}`, { source, index: null })
  const manifest = {
    ...{ format: 1, ...facts, name, server: IP, created, sequence, durability: 'synced' },
    ...{ verified: null, corrupt: null, holds: [], writer: '0.0.0' },
  }
  writeFileSync(join(namespace, name), OBJECT)
  writeFileSync(join(namespace, `${name}.manifest.json`), `${JSON.stringify(manifest, null, 2)}\n`)
  const { mode, volume, size, containers, instanceNo } = manifest
  return { mode, source, volume, name, server: IP, size, created, containers, instanceNo }
}

async function readManifests(): Promise<void> {
  for (const name of readdirSync(namespace))
    if (name.endsWith('.manifest.json')) JSON.parse(await readFile(join(namespace, name), 'utf8'))
}

/** Starts the program, prints how long it took until every backup is in its lists, and ends it. */
async function withProgram(what: string, work: () => Promise<void>): Promise<void> {
  const flags = [
    ...[
      'standalone',
      '--anonymous',
      'admin',
      '--inventory',
      join(folder, 'inventory.yaml'),
      '--data',
      data,
      '--ip',
      IP,
    ],
    ...['--backup-local-dir', store, '--volume-root', folder],
    ...['--addr', `127.0.0.1:${PORT}`, '--daemon-addr', `127.0.0.1:${DAEMON_PORT}`],
  ]
  const program = spawn(process.execPath, [join(import.meta.dirname, '../dist/main.js'), ...flags], {
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => program.once('exit', resolve))
  try {
    print(`${what} (with the start)`, await timed(untilAll))
    await work()
    print('memory of the process', memoryOf(program.pid ?? 0), 'MiB')
  } finally {
    program.kill('SIGTERM')
    await ended
  }
}

async function untilAll(): Promise<void> {
  while ((await countBackups()) < BACKUPS) await sleep(50)
}

async function countBackups(): Promise<number> {
  try {
    return (await execute(BackupsDocument, { first: 1 })).backups.totalCount
  } catch {
    return 0
  }
}

async function rebuild(): Promise<void> {
  const { namespaces } = (await execute(RebuildCatalogDocument, { dryRun: false })).rebuildCatalog
  if (namespaces[0]?.unchanged !== BACKUPS) throw new Error(`not all: ${JSON.stringify(namespaces)}`)
}

async function listVolume(): Promise<void> {
  const filter = { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1, server: IP }
  const { nodes } = (await execute(BackupsDocument, { filter, first: 50 })).backups
  if (nodes.length !== 50) throw new Error(`a page of ${nodes.length}`)
}

function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}
