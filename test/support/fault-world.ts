import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { given } from './given.ts'
import {
  askGraphQL,
  socketClient,
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from './real-controller.ts'

const IP = '127.0.0.1'
const ENDED = `subscription ($rid: ID!) { recordUpdated(rid: $rid) { record {
  rid state reason error { code message action facts } warnings result { file size entriesRestored backup { name good suspect } } } } }`

const LAST_GOOD = '{ app(name: "hello") { procs { instances { volumes { lastGood { name } } } } } }'

interface LastGood {
  app: { procs: { instances: { volumes: { lastGood: { name: string } | null }[] }[] }[] }
}

export interface EndedRecord {
  rid: string
  state: string
  reason: string | null
  error: { code: string; message: string; action: string; facts: Record<string, unknown> } | null
  warnings: string[]
  result: {
    file: string | null
    backup: { name: string; good: boolean; suspect: string | null } | null
  } | null
}

/** Some machines have processes that nobody may look into. */
const isOfVolume = (warning: string) => !warning.startsWith('processes that could not be inspected')

export interface FaultWorldOptions {
  /** Called before anything starts, with the folders of the store and of the volume's proc. */
  prepare?(folders: { store: string; instance: string }): void
}

/** A controller, its daemon, and the app hello with the volume /data/db, all in this process; runs are children. */
export async function faultWorld({ prepare }: FaultWorldOptions = {}) {
  const folder = await testFolder()
  const store = join(folder, 'store')
  const instance = join(folder, 'volumes/hello/hello.web.web/1')
  const volume = join(instance, 'data/db')
  for (const each of [store, instance]) mkdirSync(each, { recursive: true })
  prepare?.({ store, instance })
  mkdirSync(volume, { recursive: true })
  const daemon = await startTestDaemon(folder)
  const inventory = toldInventory(given.app('hello').proc('web').on(IP).volume('/data/db').inventory())
  const controller = await startTestController({ folder, inventory, daemonUrls: { [IP]: daemon.url } })
  const { url } = controller

  async function ask<T>(query: string, variables: object = {}): Promise<T> {
    const { data, errors } = await askGraphQL<T>(url, query, variables)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return data
  }

  /** The record of a run when it has ended. */
  async function ended(rid: string): Promise<EndedRecord> {
    const events = socketClient(url).iterate<{ recordUpdated: { record: EndedRecord } }>({
      query: ENDED,
      variables: { rid },
    })
    for await (const { data } of events) {
      const record = data?.recordUpdated.record
      if (record && !['QUEUED', 'RUNNING'].includes(record.state))
        return { ...record, warnings: record.warnings.filter(isOfVolume) }
    }
    throw new Error(`the record ${rid} never ended`)
  }

  /** Runs the volume's backup to its end. */
  async function backUp(): Promise<EndedRecord> {
    const { jobs } = await ask<{ jobs: { id: string }[] }>('{ jobs(filter: { action: "backup" }) { id } }')
    const { runJob } = await ask<{ runJob: { rid: string } }>(
      'mutation ($id: ID!) { runJob(id: $id) { rid } }',
      { id: jobs[0]?.id },
    )
    return ended(runJob.rid)
  }

  const askRecover = (backup: string) =>
    askGraphQL<{ recover: { rid: string } }>(
      url,
      'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }',
      { input: { app: 'hello', proc: 'web', backup } },
    )

  /** Recovers the volume from a backup to the end. */
  async function recover(backup: string): Promise<EndedRecord> {
    const { data, errors } = await askRecover(backup)
    if (!data) throw new Error(JSON.stringify(errors))
    return ended(data.recover.rid)
  }

  /** Name of the volume's last good backup. */
  async function lastGood(): Promise<string | undefined> {
    const { app } = await ask<LastGood>(LAST_GOOD)
    return app.procs[0]?.instances[0]?.volumes[0]?.lastGood?.name
  }

  /** Backups as the store's folder has them; the store's own files left out. */
  const objects = () =>
    readdirSync(join(store, IP))
      .filter((name) => !name.startsWith('.'))
      .sort()

  /** No run left anything beside or in the volume, nor the record of a recover that is under way. */
  function expectNothingLeft(): void {
    const left = (at: string) => readdirSync(at).filter((name) => name.startsWith('.backupd-'))
    const recovers = join(folder, `daemon-${IP}`, 'recovers')
    expect(left(join(volume, '..'))).toEqual([])
    if (readdirSync(join(volume, '..')).includes('db')) expect(left(volume)).toEqual([])
    expect(readdirSync(recovers).filter((name) => name.endsWith('.json'))).toEqual([])
    expect(readdirSync(join(store, IP)).filter((name) => name.includes('.part-'))).toEqual([])
  }

  await expect
    .poll(() => ask('{ jobs(filter: { action: "backup" }) { nextRun } }'), { timeout: 30_000 })
    .toMatchObject({ jobs: [{ nextRun: expect.any(String) }] })
  return {
    ...{ folder, store: join(store, IP), instance, volume, url, daemon, inventory },
    ...{ ask, ended, backUp, askRecover, recover, lastGood, objects, expectNothingLeft },
  }
}

export type FaultWorld = Awaited<ReturnType<typeof faultWorld>>

/** A volume with a few files of every size and a backup of it; then one file changes and one comes. */
export async function backedUpWorld(): Promise<FaultWorld & { name: string; archive: string }> {
  const world = await faultWorld()
  mkdirSync(`${world.volume}/sub`)
  writeFileSync(`${world.volume}/a.txt`, 'first words')
  writeFileSync(`${world.volume}/sub/b.bin`, Buffer.alloc(300_000, 'abcdefg'))
  const { state, result } = await world.backUp()
  expect(state).toBe('SUCCESS')
  const name = result?.file ?? ''
  writeFileSync(`${world.volume}/a.txt`, 'changed since')
  writeFileSync(`${world.volume}/since`, 'made since')
  return { ...world, name, archive: join(world.store, name) }
}
