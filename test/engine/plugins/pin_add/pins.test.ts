import { describe, expect, test } from 'vitest'
import type { Plugin, RunSettings } from '../../../../src/engine/plugin.ts'
import { backupDeletePlugin } from '../../../../src/engine/plugins/backup_delete/plugin.ts'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { pinAddPlugin } from '../../../../src/engine/plugins/pin_add/plugin.ts'
import { pinReleasePlugin } from '../../../../src/engine/plugins/pin_release/plugin.ts'
import { snapshotsDeletePlugin } from '../../../../src/engine/plugins/snapshots_delete/plugin.ts'
import { systemBootClock } from '../../../../src/lib/boot-clock.ts'
import { isoTime } from '../../../../src/lib/clock.ts'
import { DAY_MS } from '../../../../src/lib/time-units.ts'
import type { StoreSettings } from '../../../../src/wire/store-settings.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { openUnusualVolume } from '../../../support/unusual-volume.ts'

const KEPT_DAYS = 6

/** A volume with a run a day, of which three days are kept; the first run is pinned for six days. */
async function openPinnedVolume(mode: 'full' | 'increment', store?: StoreSettings) {
  const volume = await openUnusualVolume(mode, store)
  const { clock } = volume
  await volume.runOnce()
  const firstContent = volume.readAll()
  const [{ point: first } = { point: '' }] = await volume.listPoints()
  const nameOf = async () =>
    mode === 'full' ? first : ((await volume.store.list(SERVER, { limit: 9 })).backups[0]?.name ?? '')
  const name = await nameOf()
  const thing = { namespace: SERVER, name, ...(mode === 'increment' && { snapshot: first }) }
  const run = <Args>(plugin: Plugin<Args>, args: object, settings: RunSettings = volume.settings) =>
    runPlugin(plugin, settings, { args: { ...args }, change: { clock } })
  const until = isoTime(clock.now() + KEPT_DAYS * DAY_MS)
  await run(pinAddPlugin, { ...thing, by: 'ann', reason: 'case 4711', until })
  const source = mode === 'full' ? volume.volume : `${volume.volume}@increment`
  return {
    ...volume,
    first,
    firstContent,
    name,
    run,
    isThere: async () => (await volume.listPoints()).some(({ point }) => point === first),
    release: () => run(pinReleasePlugin, thing),
    expireWith: (settings: RunSettings) => run(backupExpirePlugin, { info: [source, '3d'] }, settings),
    deleteFirst: (settings?: RunSettings) =>
      mode === 'full'
        ? run(backupDeletePlugin, { names: [first] }, settings)
        : run(snapshotsDeletePlugin, { namespace: SERVER, name, snapshots: [first] }, settings),
    async runDays(days: number) {
      for (let day = 0; day < days; day++) {
        await volume.runOnce()
        await volume.expire()
      }
    },
  }
}

const isRefused = { code: 'CONFLICT', message: expect.stringContaining('ann pinned it at') }

describe.each(['full', 'increment'] as const)('a pinned point of the mode %s', (mode) => {
  async function outlivesExpiry(store?: StoreSettings) {
    const volume = await openPinnedVolume(mode, store)
    const { first, firstContent, name, recover, readAll, isThere } = volume
    await volume.runDays(5)
    expect((await volume.listPoints()).map(({ holds }) => holds.length)).toEqual([1, 0, 0, 0, 0])
    await expect(volume.deleteFirst()).rejects.toMatchObject(isRefused)
    await expect(volume.run(backupDeletePlugin, { names: [name] })).rejects.toMatchObject(isRefused)
    volume.encrypt()
    await recover(name, mode === 'increment' ? { snapshot: first } : {})
    expect(readAll()).toEqual(firstContent)
    await volume.release()
    await volume.runDays(1)
    expect(await isThere()).toBe(false)
  }

  test('outlives expiry and prunes, in a folder', () => outlivesExpiry())

  test('outlives expiry and prunes, in a bucket', async () => {
    await outlivesExpiry((await startS3Model()).settings)
  })

  test('may go when its time has passed', async () => {
    const volume = await openPinnedVolume(mode)
    await volume.runDays(KEPT_DAYS - 1)
    expect(await volume.isThere()).toBe(true)
    await volume.runDays(1)
    expect(await volume.isThere()).toBe(false)
  })

  test('stays while the clock is ahead of the trusted time', async () => {
    const volume = await openPinnedVolume(mode)
    await volume.runDays(4)
    const anchor = { trustedMs: volume.clock.now(), bootMs: systemBootClock.elapsedMs() }
    const inDoubt = { ...volume.settings, timeAnchor: anchor }
    volume.pass(60)
    await expect(volume.deleteFirst(inDoubt)).rejects.toMatchObject(isRefused)
    await volume.expireWith(inDoubt)
    expect(await volume.isThere()).toBe(true)
    await volume.deleteFirst()
    expect(await volume.isThere()).toBe(false)
  })

  test('does not expire by a clock alone, which may be wrong since the start of the daemon', async () => {
    const volume = await openPinnedVolume(mode)
    await volume.runDays(4)
    volume.pass(60)
    await volume.expire()
    expect(await volume.isThere()).toBe(true)
  })
})
