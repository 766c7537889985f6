// What happens to a volume whose files are all encrypted after two weeks, in a store of any driver.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { backupExpirePlugin } from '../../src/engine/plugins/backup_expire/plugin.ts'
import { unusualAcknowledgePlugin } from '../../src/engine/plugins/unusual_acknowledge/plugin.ts'
import type { StoreSettings } from '../../src/wire/store-settings.ts'
import { given } from './given.ts'
import { secondsClock } from './hand-clock.ts'
import { SERVER } from './plugin-args.ts'
import { runPlugin } from './run-plugin.ts'

const DAY = 86_400
const FILES = 60
/** 2026-09-10T07:06:40Z */
const START = 1_789_024_000

export type UnusualVolume = Awaited<ReturnType<typeof openUnusualVolume>>

/** A volume with a run a day, of which three days are kept. */
export async function openUnusualVolume(mode: 'full' | 'increment', store?: StoreSettings) {
  const world = await given
    .app('shop')
    .proc('web')
    .volume('/data/db')
    .plugins(store ? { store } : {})
  const clock = secondsClock(START)
  let day = 0
  const fileOf = (n: number) => join(world.volume, 'tables', `${n}.table`)
  mkdirSync(join(world.volume, 'tables'))
  const writeAll = (content: (n: number) => Buffer | string) => {
    for (let n = 0; n < FILES; n++) writeFileSync(fileOf(n), content(n))
  }
  writeAll((n) => `table ${n}`)
  const ask = (name: string) => ({ args: { namespace: SERVER, name }, change: { clock } })
  const listSnapshots = async () => {
    const [series] = (await world.store.list(SERVER, { limit: 100 })).backups
    if (!series) return []
    const question = { namespace: SERVER, name: series.name, after: '', limit: 100 }
    return (await world.store.snapshots.list(question)).snapshots
  }
  return {
    ...world,
    mode,
    clock,
    pass(days: number): void {
      day += days
      clock.set(START + day * DAY)
    },
    /** The next day's run, after one file changed. */
    async runOnce() {
      this.pass(1)
      writeFileSync(fileOf(0), `changed at ${clock.now()}`)
      return await world.backUp({ mode }, { clock })
    },
    encrypt: () => writeAll(() => randomBytes(100)),
    readAll: () => Array.from({ length: FILES }, (_, n) => readFileSync(fileOf(n), 'utf8')),
    expire: () => {
      const source = mode === 'full' ? world.volume : `${world.volume}@increment`
      return runPlugin(backupExpirePlugin, world.settings, {
        args: { info: [source, '3d'] },
        change: { clock },
      })
    },
    acknowledge: (name: string) => runPlugin(unusualAcknowledgePlugin, world.settings, ask(name)),
    /** The points of the volume, oldest first: names of archives, ids of snapshots. */
    async listPoints() {
      const { backups } = await world.store.list(SERVER, { limit: 100 })
      const all = mode === 'full' ? backups : await listSnapshots()
      return all
        .map((one) => ({
          point: 'name' in one ? one.name : one.id,
          created: one.created,
          holds: one.holds ?? [],
        }))
        .sort((one, other) => (one.created < other.created ? -1 : 1))
    },
  }
}

/** Whatever the driver: the last good point stays through weeks of ordinary runs, until it is acknowledged. */
export async function tellOfEncryption(volume: UnusualVolume): Promise<void> {
  for (let run = 0; run < 12; run++) expect(await volume.runOnce()).toMatchObject({ warnings: [] })
  const [before] = (await volume.listPoints()).slice(-1)
  volume.encrypt()
  const event = await volume.runOnce()
  expect(event).toMatchObject({ state: 'success', reason: '' })
  expect(event.warnings).toEqual([
    expect.stringMatching(/unusual: (98|100) % of the 60 files have other content/),
  ])
  for (let run = 0; run < 6; run++) {
    expect(await volume.runOnce()).toMatchObject({ state: 'success', warnings: [] })
    expect(await volume.expire()).toMatchObject({ state: 'success' })
  }
  const kept = await volume.listPoints()
  expect(kept.map(({ holds }) => holds.length)).toEqual([1, 0, 0, 0, 0])
  expect(kept[0]?.point).toBe(before?.point)
  await expectRefusedDelete(volume, kept[0]?.point ?? '')
  await expectRestored(volume, kept[0]?.point ?? '')
  await volume.acknowledge(await nameOf(volume))
  expect((await volume.listPoints()).flatMap(({ holds }) => holds)).toEqual([])
  volume.pass(1)
  await volume.expire()
  expect((await volume.listPoints()).map(({ point }) => point)).toEqual(
    kept.slice(1).map(({ point }) => point),
  )
}

/** Any backup of the volume names what is acknowledged: the newest one does. */
async function nameOf({ store }: UnusualVolume): Promise<string> {
  const { backups } = await store.list(SERVER, { limit: 100 })
  return backups.at(-1)?.name ?? ''
}

async function expectRefusedDelete(volume: UnusualVolume, point: string): Promise<void> {
  const { mode, store, dataDir } = volume
  const reader = { dataDir, signal: new AbortController().signal, warn: () => {} }
  const name = await nameOf(volume)
  const refused = expect.objectContaining({
    code: 'CONFLICT',
    message: expect.stringContaining('it is held'),
  })
  await expect(store.delete([mode === 'full' ? point : name], reader)).rejects.toEqual(refused)
  if (mode === 'increment')
    await expect(store.snapshots.delete({ name, snapshots: [point] }, reader)).rejects.toEqual(refused)
}

async function expectRestored(volume: UnusualVolume, point: string): Promise<void> {
  const { mode, recover, readAll } = volume
  if (mode === 'full') await recover(point)
  else await recover(await nameOf(volume), { snapshot: point })
  expect(readAll().slice(1)).toEqual(Array.from({ length: FILES - 1 }, (_, n) => `table ${n + 1}`))
}
