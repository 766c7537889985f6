/**
 * Peak memory of the built daemon and its runner together while one volume is backed up, and while it is recovered.
 * `node bench/daemon-memory.ts [--mib 1024] [--files 20000]`; build first. It prints the highest
 * sum that was sampled (VmRSS, each 50 ms), and the peak of each process (VmHWM).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mixedTree } from './mixed-tree.ts'

const LIMIT_MIB = 300
const PORT = 19_413
const API = `http://127.0.0.1:${PORT}/api/v1`
const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, files: { type: 'string', default: '20000' } },
})
const tree = mixedTree({ mib: Number(values.mib), files: Number(values.files) })
const folder = mkdtempSync(join(dirname(tree.path), 'daemon-'))
const peaks = new Map<number, number>()
let together = 0

const daemon = await startDaemon()
try {
  const args = {
    ...{ app: 'bench', proc: 'bench.web.web', volume: '/db', archive: 'bench-bench.web.web-1-db' },
    ...{ containers: [], instanceNo: 1, mode: 'full', path: tree.path, postRun: '', preRun: '' },
  }
  const job = { id: '7f000001', spec: '0 5 1 1 *', action: 'backup', args, type: 'cron', sleep: false }
  await ask('PUT', '/cron/jobs', { data: JSON.stringify([job]), version: '1' })
  const { rid } = JSON.parse(await ask('POST', '/cron/once/7f000001', {}))
  const { result } = await endOf(rid)
  print('backup')
  mkdirSync(join(folder, 'recovered'))
  const recover = JSON.parse(
    await ask('POST', `/backup/full/recover/file/${result.file}`, {
      ...{ namespace: '127.0.0.1', destDir: join(folder, 'recovered'), app: 'bench', proc: 'bench.web.web' },
      inUse: 'proceed',
    }),
  )
  await endOf(recover.rid)
  print('backup, then recover')
} finally {
  daemon.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

async function startDaemon(): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  mkdirSync(join(folder, 'store'))
  const paths = ['--allow-path', tree.path, '--allow-path', folder]
  const store = ['--backup-driver', 'local', '--backup-local-dir', join(folder, 'store')]
  const flags = ['--ip', '127.0.0.1', '--addr', `127.0.0.1:${PORT}`, '--data', join(folder, 'data')]
  const child = spawn(process.execPath, [main, 'daemon', ...flags, ...store, ...paths], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('listens on')) break
  child.stderr.resume()
  return child
}

async function ask(method: string, path: string, form: Record<string, string>): Promise<string> {
  const response = await fetch(`${API}${path}`, { method, body: new URLSearchParams(form) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`)
  return text
}

interface Ended {
  state: string
  reason: string
  end: string | null
  result: { file: string }
}

async function endOf(rid: string): Promise<Ended> {
  for (;;) {
    notePeaks()
    const record = (await (await fetch(`${API}/cron/records/${rid}`)).json()) as Ended
    if (record.state === 'success') return record
    if (record.end !== null) throw new Error(`${record.state}: ${record.reason}`)
    await sleep(50)
  }
}

/** The daemon and its children, each with its own peak. */
function notePeaks(): void {
  const own = String(daemon.pid)
  let now = 0
  for (const pid of [own, ...childrenOf(own)]) {
    const status = readIfThere(`/proc/${pid}/status`)
    const kib = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
    peaks.set(Number(pid), Math.max(kib('VmHWM'), peaks.get(Number(pid)) ?? 0))
    now += kib('VmRSS')
  }
  together = Math.max(together, now)
}

function childrenOf(pid: string): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readIfThere(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean),
  )
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function print(what: string): void {
  const mib = Math.round(together / 1024)
  const each = [...peaks].map(
    ([pid, kib]) => `${pid === daemon.pid ? 'daemon' : 'child'} ${Math.round(kib / 1024)}`,
  )
  const verdict = mib <= LIMIT_MIB ? 'reached' : 'MISSED'
  console.log(
    `${what}: ${mib} MiB at once (each at most: ${each.join(', ')}; at most ${LIMIT_MIB}: ${verdict})`,
  )
}
