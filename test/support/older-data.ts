import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { expect, onTestFinished } from 'vitest'
import { createInventorySource } from '../../src/controller/inventory-source.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { listLegacyJobs } from '../../src/rest-compat/legacy/job.ts'
import {
  JobsDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
} from './client/generated/operations.ts'
import { keepingLog } from './keeping-log.ts'
import { askGraphQL, startTestController, startTestDaemon } from './real-controller.ts'

/** What real older versions left, by their commits, oldest first (test/fixtures/older-version/README.md). */
export const OLDER_VERSIONS = ['c500901', 'aaf5a8b'] as const
export type OlderVersion = (typeof OLDER_VERSIONS)[number]

export const [ONE, TWO] = ['127.0.0.1', '127.0.0.2'] as const
const KEPT_FOR_EVER = 36_500 * 86_400_000

const fixtureOf = (version: OlderVersion) =>
  new URL(`../fixtures/older-version/data-of-${version}.tar.zst`, import.meta.url)

/**
 * Job ids, journals and snapshots hold the paths of volumes, so data must be unpacked at the path at which it was made.
 */
const placeOf = (version: OlderVersion) => `/tmp/backupd-of-${version}`

/** Where the data lies that the running test unpacked. */
let place = placeOf('c500901')

/** A path in the data that the running test unpacked. */
export function inOlder(path: string): string {
  return join(place, path)
}

/** What the older controller listed before it stopped. */
export interface Listed {
  backups: { nodes: ListedBackup[] }
  records: { nodes: { rid: string; state: string; action: string }[] }
}

export interface ListedBackup {
  id: string
  mode: string
  volume: string
  created: string
  partial: boolean
  server: { ip: string }
  snapshots: { id: string; created: string }[]
}

/** The query of that list. */
const LISTED = `{
  records(first: 100) { totalCount nodes { rid action state reason volume start end warnings } }
  backups(first: 30) { totalCount nodes { id mode volume instanceNo created size partial good suspect corrupt orphaned
    fileCount snapshotCount source server { ip } snapshots(first: 20) { id created good partial size fileCount } } }
}`

/** Unpacks it at the path at which it was made; only one test on this machine can have it at a time. */
export async function unpackOlder(
  version: OlderVersion,
  name: 'stopped' | 'killed',
): Promise<{ listed: Listed }> {
  await placeIsOurs()
  place = placeOf(version)
  rmSync(place, { recursive: true, force: true })
  onTestFinished(() => rmSync(placeOf(version), { recursive: true, force: true }))
  mkdirSync(place)
  const input = zstdDecompressSync(readFileSync(fixtureOf(version)))
  execFileSync('tar', ['-xf', '-', '-C', place, '--strip-components=1', name], { input })
  if (name === 'stopped') forgetClocks()
  const listed = execFileSync('tar', ['-xOf', '-', 'listed.json'], { input, encoding: 'utf8' })
  return { listed: JSON.parse(listed) as Listed }
}

/** A machine that was off since the data was made would be in doubt about its clock, which is tested elsewhere. */
function forgetClocks(): void {
  rmSync(inOlder('controller/clock.json'), { force: true })
  for (const ip of [ONE, TWO]) {
    const db = new Database(inOlder(`daemon-${ip}/daemon.db`))
    db.prepare("DELETE FROM facts WHERE key = 'clock'").run()
    db.close()
  }
}

/** A name in the kernel that one process can hold, and that is freed when it ends. */
async function placeIsOurs(): Promise<void> {
  for (;;) {
    const server = createServer()
    const held = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen('\0backupd-older-data', () => resolve(true))
    })
    if (held) return onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Today's daemons on the data of the older ones. */
export function startDaemonOnOlder(ip: string, more: Parameters<typeof startTestDaemon>[2] = {}) {
  return startTestDaemon(place, ip, more)
}

/** Today's controller on the older one's catalog and inventory. */
export function startControllerOnOlder(daemonUrls: Record<string, string>) {
  const log = keepingLog()
  return startTestController({
    folder: place,
    daemonUrls,
    keepRecordsMs: KEPT_FOR_EVER,
    overdueGraceMs: 600_000,
    inventory: createInventorySource({
      clock: systemClock,
      from: { file: inOlder('inventory.yaml') },
      localIp: ONE,
      log,
    }),
  })
}

/** How long a test polls: on a busy machine, a store or a list from it may answer only after a retry. */
export const PATIENCE = { timeout: 120_000, interval: 200 }

/** Today's programs on all of it, once every job is known. */
export async function startOnOlder() {
  const one = await startDaemonOnOlder(ONE)
  const two = await startDaemonOnOlder(TWO)
  const controller = await startControllerOnOlder({ [ONE]: one.url, [TWO]: two.url })
  const { execute, url } = controller
  // Older versions had no verify jobs.
  const jobs = async () => listLegacyJobs((await execute(JobsDocument, {})).jobs)
  const planned = async () =>
    (await jobs()).filter(({ nextRun, asleep }) => nextRun !== null || asleep).length
  await expect.poll(planned, PATIENCE).toBe(8)
  const ended = async (rid: string) => {
    const record = async () => (await execute(RecordDocument, { rid })).record
    await expect.poll(async () => (await record())?.state, PATIENCE).not.toMatch(/QUEUED|RUNNING/)
    return await record()
  }
  const jobOf = async (volume: string, ip: string) =>
    (await jobs()).find((job) => job.volume === volume && job.server.ip === ip)?.id ?? ''
  const backUp = async (volume: string, ip: string) =>
    await ended((await execute(RunJobDocument, { id: await jobOf(volume, ip) })).runJob.rid)
  const recover = async (input: { backup: string; proc?: string; snapshot?: string }) => {
    const whole = { app: 'shop', proc: 'web', server: ONE, ...input }
    return await ended((await execute(RecoverDocument, { input: whole })).recover.rid)
  }
  /** What it lists, or its error. */
  const listed = async () => {
    const { data, errors } = await askGraphQL<Listed>(url, LISTED)
    return errors ? errors.map(({ message }) => message) : data
  }
  return { one, two, controller, execute, jobs, jobOf, ended, backUp, recover, listed }
}
