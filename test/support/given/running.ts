import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import type { StoreSettings } from '../../../src/wire/store-settings.ts'
import {
  askGraphQL,
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../real-controller.ts'
import { type Asker, type EndedRecord, endOfRecord } from '../record-end.ts'
import { writeContent } from './content.ts'
import { checkStarted, type Facts } from './facts.ts'
import { toInventory } from './inventory.ts'
import { makeSeveral, type Several } from './several.ts'
import { subjectOf } from './subject.ts'

const IP = '127.0.0.1'
const LAST_GOOD =
  'query ($app: ID!) { app(name: $app) { procs { instances { volumes { lastGood { name } } } } } }'
const RUN = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
const RECOVER = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'

export interface RunningOptions {
  /** Where the store is, if not in a folder of the test. */
  store?: StoreSettings
  /** Where the daemon may recover into new folders. */
  recoverDir?: string
  /** Called before anything starts, with the folders of the store and of the volume's proc. */
  prepare?(folders: { store: string; instance: string }): void
}

export type Running = Awaited<ReturnType<typeof startPrograms>>

export type FilledRunning<Backups extends number> = Running & {
  /** Their names. */
  backups: Several<string, Backups>
}

/** A controller and its daemon in this process, with the inventory in force; runs are children. */
export async function startRunning<Backups extends number>(
  facts: Facts<Backups>,
  options: RunningOptions = {},
): Promise<FilledRunning<Backups>> {
  checkStarted(facts, 'running')
  const programs = await startPrograms(facts, options)
  for (const content of facts.files) writeContent(programs.volume, content)
  const backups = await makeSeveral(facts.backups, async () => {
    const { state, result } = await programs.backUp()
    expect(state).toBe('SUCCESS')
    return result?.file ?? ''
  })
  for (const content of facts.changes) writeContent(programs.volume, content)
  return { ...programs, backups }
}

async function startPrograms(facts: Facts, { prepare, store: settings, recoverDir }: RunningOptions) {
  const folders = await makeFolders(facts, prepare)
  const { folder, store } = folders
  const daemon = await startTestDaemon(folder, IP, {
    ...(settings && { store: settings }),
    ...(recoverDir !== undefined && { recoverDir }),
  })
  const inventory = toldInventory(inventoryOf(facts))
  const { url, log } = await startTestController({ folder, inventory, daemonUrls: { [IP]: daemon.url } })
  const ask: Asker = async (query, variables = {}) => {
    const { data, errors } = await askGraphQL<never>(url, query, variables)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return data
  }
  const isPlanned = async () => {
    const { jobs } = await ask<{ jobs: { nextRun: string | null }[] }>(
      '{ jobs(filter: { action: "backup" }) { nextRun } }',
    )
    return jobs.length > 0 && jobs.every(({ nextRun }) => nextRun !== null)
  }
  await expect.poll(isPlanned, { timeout: 30_000 }).toBe(true)
  return {
    ...folders,
    url,
    daemon,
    log,
    inventory,
    ask,
    ended: (rid: string) => endOfRecord(url, rid),
    ...runner(url, ask, facts),
    /** Names of backups in the store's folder, without the store's own files. */
    objects: () =>
      readdirSync(store)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    expectNothingLeft: () => expectNothingLeft(folders),
  }
}

type Folders = Awaited<ReturnType<typeof makeFolders>>

async function makeFolders(facts: Facts, prepare: RunningOptions['prepare']) {
  const { place, volume: name } = subjectOf(facts)
  const folder = await testFolder()
  const store = join(folder, 'store')
  const volume = join(folder, 'volumes', place)
  const instance = volume.slice(0, -name.length)
  for (const each of [store, instance]) mkdirSync(each, { recursive: true })
  prepare?.({ store, instance })
  mkdirSync(volume, { recursive: true })
  return { folder, store: join(store, IP), instance, volume }
}

/** Instance 1 runs on this machine. */
function inventoryOf(facts: Facts) {
  const apps = facts.apps.map((app) => ({
    ...app,
    procs: app.procs.map((proc) => ({ ...proc, servers: proc.servers.length > 0 ? proc.servers : [IP] })),
  }))
  return toInventory({ ...facts, apps })
}

function runner(url: string, ask: Asker, facts: Facts) {
  const { app, proc } = subjectOf(facts)
  const askRecover = (backup: string) =>
    askGraphQL<{ recover: { rid: string } }>(url, RECOVER, { input: { app, proc, backup } })
  return {
    askRecover,
    /** Runs the volume's backup to its end. */
    async backUp(): Promise<EndedRecord> {
      const { jobs } = await ask<{ jobs: { id: string }[] }>('{ jobs(filter: { action: "backup" }) { id } }')
      const { runJob } = await ask<{ runJob: { rid: string } }>(RUN, { id: jobs[0]?.id })
      return await endOfRecord(url, runJob.rid)
    },
    /** Recovers the volume from a backup to the end. */
    async recover(backup: string): Promise<EndedRecord> {
      const { data, errors } = await askRecover(backup)
      if (!data) throw new Error(JSON.stringify(errors))
      return await endOfRecord(url, data.recover.rid)
    },
    /** Name of the volume's last good backup. */
    async lastGood(): Promise<string | undefined> {
      const { app: found } = await ask<LastGood>(LAST_GOOD, { app })
      return found.procs[0]?.instances[0]?.volumes[0]?.lastGood?.name
    },
  }
}

interface LastGood {
  app: { procs: { instances: { volumes: { lastGood: { name: string } | null }[] }[] }[] }
}

/** Checks that no run left anything in or beside the volume, nor the record of an unfinished recover. */
function expectNothingLeft({ folder, store, volume }: Folders): void {
  const left = (at: string) => readdirSync(at).filter((name) => name.startsWith('.backupd-'))
  const recovers = join(folder, `daemon-${IP}`, 'recovers')
  expect(left(dirname(volume))).toEqual([])
  if (readdirSync(dirname(volume)).includes('db')) expect(left(volume)).toEqual([])
  expect(readdirSync(recovers).filter((name) => name.endsWith('.json'))).toEqual([])
  expect(readdirSync(store).filter((name) => name.includes('.part-'))).toEqual([])
}
