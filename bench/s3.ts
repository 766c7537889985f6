import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { setEnvironmentOfChildren } from '../src/cli/environment.ts'
import { RUNNER_ARGV } from '../src/engine/runner.ts'
import { startSwift } from '../test/support/swift.ts'
import { mixedTree } from './mixed-tree.ts'
import { PASSWORD } from './password.ts'
import { type CountingProxy, startCountingProxy } from './s3/counting-proxy.ts'

/**
 * Backups in a real Swift on this machine, in turns with others: a full backup and `tar | pigz | upload` (like `aws s3 cp
 * -`), a first and an unchanged increment and `restic -r s3:` (over TLS, without which Debian's restic cannot write to
 * Swift), a recover of each. Prints time, requests by kind, and our peak memory. `--mib`, `--files`, `--rounds`.
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '256' },
    files: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
  },
})
const MAX_MIB = 300
const ARCHIVE = await bundleAside('bench/s3/archive-child.ts')
const BACKUP = await bundleAside('bench/increment-child.ts')
const RESTORE = await bundleAside('bench/snapshot-restore-child.ts')
const tree = mixedTree({ mib: Number(values.mib), files: Number(values.files) })
const folder = mkdtempSync(join(dirname(tree.path), 's3-'))
setEnvironmentOfChildren()
await using swift = await startSwift()
const proxy = await startCountingProxy(swift.endpoint)
const tlsProxy = await startCountingProxy(swift.endpoint, makeIdentity())
const environment = {
  ...process.env,
  AWS_ACCESS_KEY_ID: swift.owner.accessKeyId,
  AWS_SECRET_ACCESS_KEY: swift.owner.secretAccessKey,
  BENCH_DATA: join(folder, 'data'),
}
writeFileSync(join(folder, 'password'), PASSWORD)

interface Outcome {
  seconds: number
  requests: Record<string, number>
  peakMiB: number | undefined
}

const outcomes = new Map<string, Outcome[]>()
try {
  for (let round = 1; round <= Number(values.rounds); round++) await compareAll()
  judge('full backup', 'tar | pigz | upload', 1)
  judge('recover', 'download | tar', 1)
  judge('first increment', 'restic backup', 1)
  judge('unchanged increment', 'restic backup, unchanged', 0.7)
  judge('recover of an increment', 'restic restore', 1)
} finally {
  for (const each of [proxy, tlsProxy]) each.close()
  rmSync(folder, { recursive: true, force: true })
}

/** Each round has buckets, caches and folders of its own. */
async function compareAll(): Promise<void> {
  const settings = await swift.newStore()
  const store = JSON.stringify({ ...settings, endpoint: proxy.endpoint })
  const restic = resticAt(`${tlsProxy.endpoint}/${settings.bucket}/restic`)
  const { path } = tree
  const into = (name: string) => freshPath(name)
  for (const name of ['data', 'restic-cache']) rmSync(join(folder, name), { recursive: true, force: true })
  const upload = `tar -C ${dirname(path)} -cf - ${basename(path)} | pigz -p2 | ${nodeChild('s3/upload-child.ts')} '${store}' other.tar.gz`
  const download = `${nodeChild('s3/download-child.ts')} '${store}' other.tar.gz | tar -C ${makeFolder('untarred')} -xzf -`
  await run('full backup', () => runOurs(ARCHIVE, 'pack', store, path))
  await run('tar | pigz | upload', () => runShell(upload))
  await run('recover', () => runOurs(ARCHIVE, 'unpack', store, into('unpacked')))
  await run('download | tar', () => runShell(download))
  await runOurs(BACKUP, store)
  await runShell(restic('init'))
  takeCounts()
  await run('first increment', () => runOurs(BACKUP, store, path))
  await run('restic backup', () => runShell(restic(`backup ${path}`)))
  await run('unchanged increment', () => runOurs(BACKUP, store, path))
  await run('restic backup, unchanged', () => runShell(restic(`backup ${path}`)))
  await run('recover of an increment', () =>
    runOurs(RESTORE, store, join(folder, 'password'), makeFolder('restored')),
  )
  await run('restic restore', () =>
    runShell(restic(`restore latest --target ${makeFolder('restic-restored')}`)),
  )
}

async function run(name: string, act: () => Promise<number | undefined>): Promise<void> {
  execFileSync('sync')
  const start = performance.now()
  const peakMiB = await act()
  const outcome = { seconds: (performance.now() - start) / 1000, requests: takeCounts(), peakMiB }
  outcomes.set(name, [...(outcomes.get(name) ?? []), outcome])
  console.log(`${name.padEnd(26)} ${describe(outcome)}`)
}

function takeCounts(): Record<string, number> {
  const [plain, tls] = [proxy, tlsProxy].map((each: CountingProxy) => each.takeCounts())
  return { ...plain, ...tls }
}

function describe({ seconds, requests, peakMiB }: Outcome): string {
  const counts = Object.entries(requests).map(([kind, count]) => `${count} ${kind}`)
  const peak =
    peakMiB === undefined ? '' : `, ${peakMiB} MiB (at most ${MAX_MIB}: ${verdict(peakMiB <= MAX_MIB)})`
  return `${seconds.toFixed(2)} s, requests: ${counts.sort().join(', ')}${peak}`
}

function judge(ours: string, other: string, target: number): void {
  const ratio = medianOf(ours) / medianOf(other)
  console.log(
    `${ours} / ${other}: ${ratio.toFixed(2)} of the time (at most ${target}: ${verdict(ratio <= target)})`,
  )
}

function medianOf(name: string): number {
  const sorted = (outcomes.get(name) ?? []).map(({ seconds }) => seconds).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function verdict(isReached: boolean): string {
  return isReached ? 'reached' : 'MISSED'
}

/** Like the daemon's runners. Returns the peak of its memory in MiB. */
async function runOurs(file: string, ...args: string[]): Promise<number | undefined> {
  const flags = [...RUNNER_ARGV, '--disable-warning=ExperimentalWarning']
  const printed = await runCommand(process.execPath, [...flags, file, ...args])
  return printed === '' ? undefined : JSON.parse(printed).peakMiB
}

async function runShell(command: string): Promise<undefined> {
  await runCommand('bash', ['-o', 'pipefail', '-c', command])
}

/** Not synchronously: the proxies are in this process. */
async function runCommand(command: string, args: string[]): Promise<string> {
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
  return Buffer.concat(chunks).toString().trim()
}

function nodeChild(file: string): string {
  return `${process.execPath} --disable-warning=ExperimentalWarning ${fileURLToPath(new URL(file, import.meta.url))}`
}

function resticAt(repository: string) {
  const place = `--cacert ${join(folder, 'cert.pem')} -r s3:${repository} --password-file ${join(folder, 'password')}`
  return (command: string) => `restic -q ${place} --cache-dir ${join(folder, 'restic-cache')} ${command}`
}

function freshPath(name: string): string {
  const path = join(folder, name)
  rmSync(path, { recursive: true, force: true })
  return path
}

function makeFolder(name: string): string {
  const path = freshPath(name)
  mkdirSync(path)
  return path
}

function makeIdentity(): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1']
  execFileSync('openssl', [...kind, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}
