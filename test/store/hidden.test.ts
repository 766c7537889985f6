import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import type { StoreSettings } from '../../src/wire/store-settings.ts'
import { makeExpireRun } from '../support/expire-run.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { startS3Model } from '../support/s3-model.ts'
import { publishSample } from '../support/sample-backups.ts'
import { IP, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore, type WholeStore } from '../support/whole-store.ts'

const DAY = 86_400
const WINDOW = { by: 'ann', windowMs: DAY * 1000 }
const reader = {
  get dataDir() {
    return tempDir()
  },
  signal: new AbortController().signal,
  warn: () => {},
}
const FULL = new BackupdError('STORE_FULL', 'no room')

const listed = async (store: WholeStore) =>
  (await store.list(IP, { limit: 10 })).backups.map(({ name }) => name)
const hidden = async (store: WholeStore) => (await store.listHidden(IP, { after: '', limit: 10 })).hidden
const noteIn = (dir: string) => JSON.parse(readFileSync(join(dir, IP, '.hidden'), 'utf8'))

async function hiddenArchive() {
  const world = await given.withBackups(2).store()
  const { store, clock, dir, backups } = world
  const [{ name }, other] = backups
  clock.set(T0 + DAY)
  expect(await store.hide([name], WINDOW, reader)).toEqual([name])
  const file = (suffix: string) => join(dir, IP, `${name}${suffix}`)
  const expire = async () => {
    const { run, kept, problems } = makeExpireRun({ now: () => clock.now() })
    return { ...(await store.expire([], run)), kept, problems }
  }
  return { ...world, name, other, file, expire }
}

describe('a hidden archive', () => {
  test('is no backup any more, and shows who deleted it until when', async () => {
    const { store, clock, name, other, dir, file } = await hiddenArchive()
    expect(await listed(store)).toEqual([other.name])
    expect(await store.find(IP, name)).toBeUndefined()
    // A recover that waits in the queue may take place.
    expect(await store.find(IP, name, { trustsManifest: true })).toBeDefined()
    const runs = await store.findRuns({ namespace: IP, source: SOURCE, app: 'hello' })
    expect(runs.newest?.name).toBe(other.name)
    expect(await hidden(store)).toMatchObject([{ backup: { name }, mark: { by: 'ann' } }])
    expect(await store.sumHidden()).toEqual({ backups: 1, bytes: noteIn(dir).archives.bytes, snapshots: 0 })
    expect(noteIn(dir).archives.bytes).toBeGreaterThan(0)
    const [{ mark } = { mark: null }] = await hidden(store)
    const [at, until] = [mark?.at, mark?.until].map((time) => Date.parse(time ?? ''))
    expect([at, until]).toEqual([clock.now(), clock.now() + DAY * 1000])
    expect(noteIn(dir)).toMatchObject({ archives: { count: 1, until } })
    for (const suffix of ['', '.manifest.json', '.index.gz']) expect(existsSync(file(suffix))).toBe(true)
  })

  test('comes back as it was, and once only', async () => {
    const { store, name, other, dir } = await hiddenArchive()
    const restored = await store.restoreHidden({ names: [name] }, reader)
    expect(restored).toMatchObject([{ name, sha256: expect.any(String) }])
    expect((await listed(store)).sort()).toEqual([name, other.name].sort())
    expect(await hidden(store)).toEqual([])
    expect(noteIn(dir)).toEqual({})
    await expect(store.restoreHidden({ names: [name] }, reader)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('it is not deleted'),
    })
  })

  test('keeps its sequence number from the next backup', async () => {
    const { store, other } = await hiddenArchive()
    await store.hide([other.name], WINDOW, reader)
    const next = await publishSample(store)
    expect(next.sequence).toBe(3)
  })

  test('is hidden again to its first time, and removed at once by a delete', async () => {
    const { store, clock, name, other, names } = await hiddenArchive()
    const [before] = await hidden(store)
    clock.set(T0 + 1.5 * DAY)
    expect(await store.hide([name], { ...WINDOW, by: 'bob' }, reader)).toEqual([name])
    expect(await hidden(store)).toEqual([before])
    expect(await store.delete([name], reader)).toEqual([name])
    expect(await store.sumHidden()).toEqual({ backups: 0, bytes: 0, snapshots: 0 })
    expect(names().filter((entry) => entry.startsWith(name))).toEqual([])
    await expect(store.restoreHidden({ names: [name] }, reader)).rejects.toThrow('its room is freed')
    expect(await listed(store)).toEqual([other.name])
  })

  test('is removed when its time has passed, by the trusted clock', async () => {
    const { store, clock, name, names, expire, dir } = await hiddenArchive()
    clock.set(T0 + 2 * DAY - 1)
    expect(await expire()).toMatchObject({ deleted: [], kept: [], problems: [] })
    expect(await hidden(store)).toHaveLength(1)
    clock.set(T0 + 2 * DAY)
    expect(await expire()).toMatchObject({ deleted: [name], kept: [], problems: [] })
    expect(names().filter((entry) => entry.startsWith(name))).toEqual([])
    expect(noteIn(dir)).toEqual({})
  })

  test('stays if somebody pinned it meanwhile, until that is released', async () => {
    const { store, clock, name, expire } = await hiddenArchive()
    const pin = { by: 'bob', reason: 'case 4711', until: null }
    await store.pin({ name }, pin, reader)
    clock.set(T0 + 2 * DAY)
    const { deleted, kept } = await expire()
    expect(deleted).toEqual([])
    expect(kept).toEqual([expect.stringContaining('bob pinned it at')])
    expect(await hidden(store)).toHaveLength(1)
    await store.releasePin({ name }, undefined, reader)
    clock.set(T0 + 2 * DAY + 601)
    expect(await expire()).toMatchObject({ deleted: [name] })
  })

  test('stays if its mark cannot be read, and may be restored', async () => {
    const { store, clock, name, file, expire } = await hiddenArchive()
    writeFileSync(file('.hidden'), '{')
    clock.set(T0 + 9 * DAY)
    const { deleted, kept } = await expire()
    expect([deleted, kept]).toEqual([[], [expect.stringContaining('nobody can read until when')]])
    expect(await hidden(store)).toMatchObject([{ backup: { name }, mark: null }])
    expect(await store.restoreHidden({ names: [name] }, reader)).toMatchObject([{ name }])
  })

  test('is found when the note of it is lost', async () => {
    const { store, clock, name, file, expire } = await hiddenArchive()
    writeFileSync(file('').replace(name, '.hidden'), 'no note')
    clock.set(T0 + 2 * DAY)
    expect(await expire()).toMatchObject({ deleted: [name] })
    expect(await hidden(store)).toEqual([])
  })

  test('that an older version has deleted leaves nothing, and its entry in .meta comes back with a restore', async () => {
    const { store, name, other, names, file, dir } = await hiddenArchive()
    await store.hide([other.name], WINDOW, reader)
    for (const suffix of ['', '.manifest.json', '.index.gz']) rmSync(file(suffix))
    writeFileSync(join(dir, IP, '.meta'), '{}')
    expect(await store.settle()).toMatchObject({ swept: [`${name}.hidden`], unknown: [] })
    expect(names().filter((entry) => entry.startsWith(name))).toEqual([])
    expect(noteIn(dir)).toMatchObject({ archives: { count: 1 } })
    await store.restoreHidden({ names: [other.name] }, reader)
    expect(readFileSync(join(dir, IP, '.meta'), 'utf8')).toContain(other.name)
  })

  test('does not keep others from expiring, and does not count as kept', async () => {
    const { store, clock, name, other } = await hiddenArchive()
    clock.set(T0 + 1.5 * DAY)
    const newest = await publishSample(store)
    await store.hide([newest.name], { ...WINDOW, windowMs: 60 * DAY * 1000 }, reader)
    clock.set(T0 + 40 * DAY)
    const { run } = makeExpireRun({ now: () => clock.now() })
    const rules = [{ source: SOURCE, mode: 'full' as const, expire: '30d' }]
    expect((await store.expire(rules, run)).deleted).toEqual([name])
    expect(await listed(store)).toEqual([other.name])
    await publishSample(store)
    expect((await store.expire(rules, run)).deleted).toEqual([other.name])
    expect(await hidden(store)).toMatchObject([{ backup: { name: newest.name } }])
  })
})

test('a pinned archive is not hidden, nor is what is named with it', async () => {
  const { store, backups } = await given.withBackups(2).store()
  const [{ name }, other] = backups
  await store.pin({ name }, { by: 'ann', reason: 'case 4711', until: null }, reader)
  await expect(store.hide([other.name, name], WINDOW, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect((await listed(store)).sort()).toEqual([name, other.name].sort())
})

test('a full store says how to delete all the same', async () => {
  const dir = tempDir()
  const driver = faultyLocal(dir)
  const { store, backups } = await given.withBackups(1).store({ dir, driver })
  driver.fail('replace').with(FULL)
  await expect(store.hide([backups[0].name], WINDOW, reader)).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining('"now: true"'),
  })
  expect(await listed(store)).toEqual([backups[0].name])
})

const hideAll = (store: WholeStore, names: string[]) => store.hide(names, WINDOW, reader)
const runExpiry = (store: WholeStore) =>
  store.expire([], makeExpireRun({ now: () => (T0 + 3 * DAY) * 1000 }).run)
const nothing = async () => {}

describe.each([
  { what: 'hide', before: nothing, act: hideAll, mayGo: false },
  {
    what: 'restore',
    before: hideAll,
    act: (store: WholeStore, names: string[]) => store.restoreHidden({ names }, reader),
    mayGo: false,
  },
  { what: 'free', before: hideAll, act: runExpiry, mayGo: true },
])('a crash at every call of what has to $what two backups', ({ before, act, mayGo }) => {
  /** Whether it crashed; then each of the two is a backup, or hidden, or gone, with all its pieces or none. */
  async function crashAt(step: number): Promise<boolean> {
    const dir = tempDir()
    const { backups } = await given.withBackups(2).store({ dir })
    const names = backups.map(({ name }) => name)
    const driver = faultyDriver(localDriver(dir))
    const { store, clock } = await given.unclaimedStore({ dir, driver })
    await before(store, names)
    if (mayGo) clock.set(T0 + 3 * DAY)
    driver.crash('any').at(step)
    await Promise.resolve(act(store, names)).catch(() => {})
    if (!driver.isCrashed) return false

    const later = await given.store({ dir })
    expect((await later.store.settle()).unknown).toEqual([])
    const states = [await listed(later.store), (await hidden(later.store)).map(({ backup }) => backup.name)]
    const [shown = [], out = []] = states
    for (const name of names) {
      const pieces = later.names().filter((entry) => entry.startsWith(name))
      const expected = shown.includes(name) ? 3 : out.includes(name) ? 4 : 0
      expect(pieces).toHaveLength(expected)
      if (!mayGo) expect(expected).toBeGreaterThan(0)
    }
    later.clock.set(T0 + 3 * DAY)
    const { deleted } = await runExpiry(later.store)
    expect(deleted.sort()).toEqual(out.sort())
    expect(await hidden(later.store)).toEqual([])
    return true
  }

  test('leaves each whole, and the next start goes on', async () => {
    let step = 1
    while (await crashAt(step)) step++
    expect(step).toBeGreaterThan(10)
  })
})

test.each(['S3', 'S3 without conditions'])('a store on %s hides, restores and removes', async (kind) => {
  const { settings } = await startS3Model({ ignoresConditions: kind !== 'S3' })
  const store = await openOnS3(settings, 0)
  await store.claim(false)
  const { name } = await publishSample(store)
  const other = await publishSample(store)
  await store.hide([name], WINDOW, reader)
  expect(await listed(store)).toEqual([other.name])
  expect(await store.restoreHidden({ names: [name] }, reader)).toMatchObject([{ name }])
  await store.hide([name], WINDOW, reader)
  const later = await openOnS3(settings, 2 * DAY * 1000)
  const { run } = makeExpireRun({ now: () => Date.now() + 2 * DAY * 1000 })
  expect((await later.expire([], run)).deleted).toEqual([name])
  expect(await hidden(later)).toEqual([])
  expect(await listed(later)).toEqual([other.name])
})

async function openOnS3(settings: StoreSettings, laterMs: number): Promise<WholeStore> {
  const clock = { ...systemClock, now: () => Date.now() + laterMs }
  const driver = openDriver(settings, { dataDir: tempDir(), clock })
  return createWholeStore({
    driver,
    identity: { ip: IP, daemonId: 'daemon-a', version: '0.1.0' },
    clock,
    warn: () => {},
  })
}
