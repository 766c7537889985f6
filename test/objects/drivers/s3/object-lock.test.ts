import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupDeletePlugin } from '../../../../src/engine/plugins/backup_delete/plugin.ts'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { given } from '../../../support/given.ts'
import { secondsClock } from '../../../support/hand-clock.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { startS3Model } from '../../../support/s3-model.ts'

const DAY_S = 86_400
const UNTIL = 'object-lock-retain-until-date'
const BEFORE = /it cannot be deleted before 20\d\d-\d\d-\d\dT/

// On a model: the real server of the tests has neither object lock nor versions.

/** Three full backups and three increments, a day apart, in a bucket with object lock; the clock is two days later. */
async function lockedStore() {
  const model = await startS3Model({ objectLock: true })
  const store = { ...model.settings, objectLockDays: 30 }
  const world = await given.app('shop').proc('web').volume('/data/db').plugins({ store })
  const clock = secondsClock()
  const now = Math.floor(Date.now() / 1000)
  for (const day of [6, 4, 2]) {
    clock.set(now - day * DAY_S)
    writeFileSync(join(world.volume, 'file'), `content of day ${day}`)
    await world.backUp({}, { clock })
    await world.backUp({ mode: 'increment' }, { clock })
  }
  clock.set(now)
  const listed = async () => (await world.store.list(SERVER, { limit: 100 })).backups
  const info = [world.volume, '1d', `${world.volume}@increment`, '1d']
  return {
    ...world,
    ...model,
    listed,
    full: async () => (await listed()).filter(({ mode }) => mode === 'full').map(({ name }) => name),
    keys: (part: string) => [...model.objects.keys()].filter((key) => key.includes(part)),
    expire: () => runPlugin(backupExpirePlugin, world.settings, { args: { info }, change: { clock } }),
    remove: (...names: string[]) =>
      runPlugin(backupDeletePlugin, world.settings, { args: { namespace: SERVER, names } }),
    later: (days: number) => clock.set(now + days * DAY_S),
    /** Ends the locks of these objects, as time does. */
    unlock(part: string) {
      for (const [key, { asked }] of model.objects) if (key.includes(part)) delete asked[UNTIL]
    },
  }
}

test('locks archives, packs and snapshots, and nothing else', async () => {
  const { objects } = await lockedStore()
  const locked = [...objects].filter(([, { asked }]) => asked[UNTIL] !== undefined).map(([key]) => key)
  const mayBeLocked = [...objects.keys()].filter((key) => /\.tar\.gz$|\/repo\/(data|snapshots)\//.test(key))
  expect(locked.sort()).toEqual(mayBeLocked.sort())
  expect(locked.filter((key) => key.endsWith('.tar.gz'))).toHaveLength(3)
  expect(locked.filter((key) => key.includes('/snapshots/'))).toHaveLength(3)
  const [{ asked } = { asked: {} as Record<string, string> }] = locked.flatMap(
    (key) => objects.get(key) ?? [],
  )
  expect(asked['object-lock-mode']).toBe('GOVERNANCE')
  expect(Date.parse(asked[UNTIL] ?? '') / 1000 - Date.now() / 1000).toBeGreaterThan(29 * DAY_S)
})

test('a delete is refused before anything is deleted, with the end of the lock', async () => {
  const { remove, listed, full, objects } = await lockedStore()
  const before = [...objects.keys()].sort()
  const [name = ''] = await full()
  const series = (await listed()).find(({ mode }) => mode === 'increment')?.name ?? ''
  await expect(remove(name)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(BEFORE),
  })
  await expect(remove(series)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(BEFORE),
  })
  expect([...objects.keys()].filter((key) => !key.includes('/locks/')).sort()).toEqual(before)
})

test('expiry leaves locked backups, says so, and deletes them when their locks have ended', async () => {
  const { expire, full, keys, unlock, later, versions } = await lockedStore()
  const names = await full()
  const first = await expire()
  expect(first).toMatchObject({ state: 'success', result: { deleted: [] } })
  expect(first.warnings).toEqual([
    expect.stringMatching(/^2 expired backups of .*, such as .*: it cannot be deleted before/),
    expect.stringMatching(/^2 expired snapshots stay, such as .*: it cannot be deleted before/),
  ])
  expect(await full()).toEqual(names)
  unlock('.tar.gz')
  unlock('/snapshots/')
  later(1)
  const second = await expire()
  expect(second).toMatchObject({ state: 'success', result: { deleted: names.slice(0, 2) } })
  expect(second.result.deletedSnapshots).toHaveLength(2)
  expect(keys('/snapshots/')).toHaveLength(1)
  expect(versions.map(({ key }) => key)).toEqual(
    expect.arrayContaining([expect.stringContaining(names[0] ?? '')]),
  )
})

test('a prune leaves locked packs where they are, and ends; a later one removes them', async () => {
  const { expire, keys, unlock, later } = await lockedStore()
  await expire()
  unlock('/snapshots/')
  later(2)
  const packs = keys('/repo/data/')
  const pruned = await expire()
  expect(pruned).toMatchObject({ state: 'success' })
  expect(pruned.warnings).toContainEqual(
    expect.stringMatching(/^\d packs of deleted snapshots stay until their lock/),
  )
  expect(keys('/repo/data/')).toEqual(packs)
  unlock('/repo/data/')
  later(10)
  expect(await expire()).toMatchObject({ state: 'success' })
  expect(keys('/repo/data/').length).toBeLessThan(packs.length)
})

test('a legal hold has no end', async () => {
  const { objects, full, remove } = await lockedStore()
  const [name = ''] = await full()
  for (const [key, { asked }] of objects) if (key.endsWith(name)) asked['object-lock-legal-hold'] = 'ON'
  await expect(remove(name)).rejects.toThrow(
    'it cannot be deleted until its legal hold in the store is removed',
  )
})

test('a bucket tells whether it keeps versions', async () => {
  const { settings } = await startS3Model({ objectLock: true })
  expect(await s3Driver(settings).keepsVersions?.()).toBe(true)
  const plain = await startS3Model()
  expect(await s3Driver(plain.settings).keepsVersions?.()).toBe(false)
})

test('a bucket without object lock is named when the daemon starts', async () => {
  const { settings } = await startS3Model()
  const check = s3Driver({ ...settings, objectLockDays: 30 }).check({ byWriting: true })
  await expect(check).rejects.toThrow(/its bucket has no object lock, which --s3-object-lock-days needs/)
})

describeSwift('a real Swift, which has no object lock', (place) => {
  test('is named when the daemon starts, and locks nothing', async () => {
    const check = s3Driver({ ...place.settings, objectLockDays: 30 }).check({ byWriting: true })
    await expect(check).rejects.toThrow(/its bucket has no object lock, which --s3-object-lock-days needs/)
    expect(await s3Driver(place.settings).findLock?.('ns/none')).toBeUndefined()
    expect(await s3Driver(place.settings).keepsVersions?.()).not.toBe(true)
  })
})
