import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ask, type Program, startStandalone, watch as watchRecords } from './standalone.ts'

const EVENTS = `subscription ($rid: ID!) { recordUpdated(rid: $rid) { record {
  rid state reason error { code message } result { file } progress { phase bytesDone filesDone } } } }`

export interface LiveRecord {
  rid: string
  state: string
  reason: string | null
  error: { code: string; message: string } | null
  result: { file: string | null } | null
  progress: { phase: string; bytesDone: number; filesDone: number } | null
}

export interface Running {
  program: Program
  url: string
}

const LARGE = 40
const SMALL = 3000

/**
 * The built program in a process of its own, to be killed: its folder, and a volume of about 40 MiB that packs slowly.
 */
export async function makeKillableProgram() {
  const folder = await mkdtemp(join(roomyFolder(), 'backupd-kill-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const volume = join(folder, 'volume')
  const store = join(folder, 'data/store/127.0.0.1')
  const recovers = join(folder, 'data/daemon/recovers')
  mkdirSync(volume)
  // Half of it compresses, slowly.
  const text = randomBytes(768 * 1024).toString('base64')
  for (let n = 0; n < LARGE; n++)
    writeFileSync(`${volume}/large-${n}`, text.slice(n * 1000) + text.slice(0, n * 1000))
  for (let n = 0; n < SMALL; n++) writeFileSync(`${volume}/small-${n}`, `${n}`)

  /** Starts the program on the existing data; killed after the test at the latest. */
  async function start(flags: string[] = []): Promise<Running> {
    const { program, url } = await startStandalone(folder, flags)
    onTestFinished(async () => {
      program.process.kill('SIGKILL')
      await program.ended
    })
    await program.said(/\/graphql/)
    return { program, url }
  }

  /** Changes much of the volume. */
  function damage(): void {
    for (let n = 0; n < LARGE; n += 2) writeFileSync(`${volume}/large-${n}`, `damaged ${n}`)
    for (let n = 0; n < SMALL; n += 3) writeFileSync(`${volume}/small-${n}`, `damaged ${n}`)
    mkdirSync(`${volume}/intruder`)
    writeFileSync(`${volume}/intruder/file`, 'came since')
  }

  return {
    folder,
    volume,
    store,
    recovers,
    start,
    damage,
    /** A digest of all names and contents of the volume. */
    digest: () => digestOf(volume),
    /** Names in the store, without the store's own files. */
    objects: () =>
      readdirSync(store)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    /** Leftovers of a recover in and beside the volume, and its pointers. */
    leftOvers: () => [
      ...[folder, volume].flatMap((at) => readdirSync(at).filter((name) => name.startsWith('.backupd-'))),
      ...readdirSync(recovers, { withFileTypes: true }).flatMap(({ name }) =>
        name.endsWith('.json') ? [name] : [],
      ),
    ],
    /** The process that carries out a run. */
    runnerOf: (rid: string) => Number(readFileSync(join(folder, 'data/daemon/locks', `run-${rid}`), 'utf8')),
  }
}

export type KillableProgram = Awaited<ReturnType<typeof makeKillableProgram>>

/**
 * A killed process loses nothing that it wrote, so a file system in memory is as good as a disk, and a sync costs
 * nothing there.
 */
function roomyFolder(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 2 ** 30 ? memory : tmpdir()
}

function digestOf(volume: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(volume, { recursive: true, encoding: 'utf8' }).sort()) {
    hash.update(`${name}\0`)
    const path = join(volume, name)
    if (statSync(path).isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** Starts the volume's backup; resolves with its rid. */
export async function startBackup({ url }: Running): Promise<string> {
  const { jobs } = await ask<{ jobs: { id: string }[] }>(url, '{ jobs(filter: { action: "backup" }) { id } }')
  const { runJob } = await ask<{ runJob: { rid: string } }>(
    url,
    'mutation ($id: ID!) { runJob(id: $id) { rid } }',
    { id: jobs[0]?.id },
  )
  return runJob.rid
}

export async function startRecover({ url }: Running, backup: string, more: object = {}): Promise<string> {
  const { recover } = await ask<{ recover: { rid: string } }>(
    url,
    'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }',
    { input: { app: 'shop', proc: 'web', backup, ...more } },
  )
  return recover.rid
}

/** The first version of a record in the live events for which `is` returns true. */
export async function waitForRecord(
  { url }: Running,
  rid: string,
  is: (record: LiveRecord) => boolean,
): Promise<LiveRecord> {
  for await (const { recordUpdated } of watchRecords<{ recordUpdated: { record: LiveRecord } }>(url, EVENTS, {
    rid,
  })) {
    if (is(recordUpdated.record)) return recordUpdated.record
    if (hasEnded(recordUpdated.record))
      throw new Error(`the run ended before: ${JSON.stringify(recordUpdated.record)}`)
  }
  throw new Error(`nothing more was told of ${rid}`)
}

export function hasEnded({ state }: LiveRecord): boolean {
  return !['QUEUED', 'RUNNING'].includes(state)
}

/** Resolves with the first result of `find` in a folder; calls it each time the folder changes. */
export function waitForEntry<T>(folder: string, find: (names: string[]) => T | undefined): Promise<T> {
  let watcher: FSWatcher | undefined
  return new Promise<T>((resolve, reject) => {
    const look = () => {
      try {
        const found = find(readdirSync(folder))
        if (found !== undefined) resolve(found)
      } catch (error) {
        reject(error)
      }
    }
    watcher = watch(folder, look)
    watcher.on('error', reject)
    look()
  }).finally(() => watcher?.close())
}
