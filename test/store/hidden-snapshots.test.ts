import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { readPruneNote } from '../../src/store/kinds/series/prune-note.ts'
import { makeExpireRun } from '../support/expire-run.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { SERVER } from '../support/plugin-args.ts'
import { hasRestic, restic } from '../support/restic.ts'
import { ARCHIVE, IP, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore, type WholeStore } from '../support/whole-store.ts'

const DAY = 86_400
const WINDOW = { by: 'ann', windowMs: DAY * 1000 }
const RULES = [{ source: SOURCE, mode: 'increment' as const, expire: '3650d' }]

function makeReader() {
  return { dataDir: tempDir(), signal: new AbortController().signal, warn: () => {} }
}

const shown = async (store: WholeStore) => {
  const question = { namespace: IP, name: ARCHIVE, after: '', limit: 10 }
  return (await store.snapshots.list(question)).snapshots.map(({ id }) => id).reverse()
}
const hidden = async (store: WholeStore, limit = 10, after = '') =>
  (await store.listHidden(IP, { after, limit })).hidden.map(({ snapshot }) => snapshot)
const listed = async (store: WholeStore) => (await store.list(IP, { limit: 10 })).backups
const filesIn = (dir: string, ip = IP) => readdirSync(join(dir, ip, 'repo', 'snapshots')).sort()
const listIn = (dir: string) => join(dir, IP, '.hidden-snapshots')

async function threeSnapshots() {
  const world = await given.withSnapshots(3).store()
  const { store, clock, snapshots } = world
  clock.set(T0 + 10 * DAY)
  const reader = makeReader()
  const hide = (...ids: string[]) => store.snapshots.hide({ name: ARCHIVE, snapshots: ids }, WINDOW)
  const restore = (...ids: string[]) =>
    store.restoreHidden({ names: [ARCHIVE], ...(ids.length > 0 && { snapshots: ids }) }, reader)
  const expire = async () => {
    const { run, kept, problems } = makeExpireRun({ now: () => clock.now() })
    return { ...(await store.expire(RULES, run)), kept, problems }
  }
  return { ...world, reader, ids: [...snapshots], hide, restore, expire }
}

describe('a hidden snapshot', () => {
  test('is in no list and no count, and shows who deleted it until when', async () => {
    const { store, clock, dir, ids, hide } = await threeSnapshots()
    const [first = '', second = '', newest = ''] = ids
    expect(await hide(newest.slice(0, 12))).toEqual([newest])
    expect(await shown(store)).toEqual([first, second])
    expect(await listed(store)).toMatchObject([{ series: { snapshots: 2, newest: second } }])
    const found = await store.find(IP, ARCHIVE)
    expect(found?.info).toMatchObject({ series: { snapshots: 2, newest: second } })
    await expect(hide(newest)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const { hidden: all, next } = await store.listHidden(IP, { after: '', limit: 10 })
    const until = new Date(clock.now() + DAY * 1000).getTime()
    expect(all).toMatchObject([{ backup: { name: ARCHIVE }, snapshot: newest, mark: { by: 'ann' } }])
    expect(Date.parse(all[0]?.mark?.until ?? '')).toBe(until)
    expect(next).toBeNull()
    expect(filesIn(dir)).toEqual(ids.toSorted())
    expect(await store.unknown(IP)).toEqual({ count: 0, names: [] })
  })

  test('comes back as it was, and once only', async () => {
    const { store, ids, hide, restore } = await threeSnapshots()
    const before = await listed(store)
    await hide(...ids.slice(1))
    expect(await restore(ids[2] ?? '')).toMatchObject([{ name: ARCHIVE, series: { snapshots: 2 } }])
    expect(await hidden(store)).toEqual([ids[1]])
    expect(await restore()).toMatchObject([{ series: { snapshots: 3 } }])
    expect(await shown(store)).toEqual(ids)
    expect(await listed(store)).toEqual(before)
    await expect(restore()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('it is not deleted'),
    })
  })

  test('is deleted after its time, by the trusted clock, and not before', async () => {
    const { store, clock, dir, ids, hide, expire, restore } = await threeSnapshots()
    const [first = '', second = ''] = ids
    await hide(first, second)
    clock.set(T0 + 11 * DAY - 1)
    expect(await expire()).toMatchObject({ deletedSnapshots: [], kept: [], problems: [] })
    clock.set(T0 + 11 * DAY + 600)
    const { deletedSnapshots, problems } = await expire()
    expect([deletedSnapshots.sort(), problems]).toEqual([[first, second].sort(), []])
    expect(filesIn(dir)).toEqual([ids[2]])
    expect(JSON.parse(readFileSync(listIn(dir), 'utf8'))).toEqual([])
    await expect(restore()).rejects.toThrow('its room is freed')
    expect((await readPruneNote({ store, ip: IP })).forgotten).toBe(2)
  })

  test('stays if somebody pinned it before it was hidden in between, until that is released', async () => {
    const { store, clock, dir, ids, hide, expire, reader } = await threeSnapshots()
    const [first = ''] = ids
    await hide(first)
    const held = { [first]: ['pin case 4711'] }
    writeFileSync(join(dir, IP, '.held'), JSON.stringify(held))
    clock.set(T0 + 11 * DAY + 600)
    const { deletedSnapshots, kept } = await expire()
    expect([deletedSnapshots, kept]).toEqual([[], [expect.stringContaining('A deleted snapshot stays')]])
    expect(await hidden(store)).toEqual([first])
    writeFileSync(join(dir, IP, '.held'), '{}')
    clock.set(T0 + 11 * DAY + 1300)
    expect((await expire()).deletedSnapshots).toEqual([first])
    expect(reader.signal.aborted).toBe(false)
  })

  test('keeps nothing from expiring, and no expiry takes it before its time', async () => {
    const { store, clock, dir, ids, hide } = await threeSnapshots()
    await hide(ids[2] ?? '')
    clock.set(T0 + 10 * DAY + 900)
    const { run } = makeExpireRun({ now: () => clock.now() })
    const { deletedSnapshots } = await store.expire([{ ...RULES[0], expire: '1m' } as never], run)
    expect(deletedSnapshots).not.toContain(ids[2])
    expect(filesIn(dir)).toContain(ids[2])
    expect((await shown(store)).at(-1)).toBe(ids[1])
  })

  test('is deleted at once with the whole series, or by its id', async () => {
    const { store, dir, ids, hide, reader } = await threeSnapshots()
    const [first = '', second = ''] = ids
    await hide(first, second)
    expect(await store.snapshots.delete({ name: ARCHIVE, snapshots: [first] }, reader)).toEqual([first])
    expect(await store.delete([ARCHIVE], reader)).toEqual([ARCHIVE])
    expect(filesIn(dir)).toEqual([])
    expect(await hidden(store)).toEqual([])
  })

  test('is listed again if the list of it cannot be read, and that is a problem', async () => {
    const { store, dir, ids, hide } = await threeSnapshots()
    await hide(ids[0] ?? '')
    writeFileSync(listIn(dir), '[{')
    expect(await shown(store)).toEqual(ids)
    expect(await store.problems()).toEqual([
      expect.stringContaining('.hidden-snapshots" in the store, cannot'),
    ])
    await expect(hide(ids[1] ?? '')).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

test('a whole series is hidden and restored with full backups, on pages of any size', async () => {
  const { store, backups, snapshots } = await given.withBackups(2).withSnapshots(2).store()
  const reader = makeReader()
  const names = [backups[0].name, ARCHIVE, backups[1].name]
  expect((await store.hide(names, WINDOW, reader)).sort()).toEqual(names.toSorted())
  expect(await listed(store)).toEqual([])
  const seen: (string | undefined)[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<WholeStore['listHidden']>> = await store.listHidden(IP, {
      after,
      limit: 1,
    })
    seen.push(...page.hidden.map(({ backup, snapshot }) => snapshot ?? backup.name))
    after = page.next
  }
  expect(seen).toEqual([backups[0].name, backups[1].name, ...snapshots])
  await expect(store.restoreHidden({ names: [...names, 'none'] }, reader)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  expect(await listed(store)).toEqual([])
  expect(await store.restoreHidden({ names }, reader)).toHaveLength(3)
  expect((await listed(store)).map(({ name }) => name).sort()).toEqual(names.toSorted())
})

test('a pinned snapshot is not hidden, nor is what is named with it', async () => {
  const { store, ids, hide, reader } = await threeSnapshots()
  const [first = '', second = ''] = ids
  const pin = { by: 'bob', reason: 'case 4711', until: null }
  await store.pin({ name: ARCHIVE, snapshot: first }, pin, reader)
  await expect(hide(second, first)).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(store.hide([ARCHIVE], WINDOW, reader)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await shown(store)).toEqual(ids)
})

test('a store too full to hide a snapshot keeps it, and says how to delete it', async () => {
  const dir = tempDir()
  const driver = faultyLocal(dir)
  const { store, snapshots } = await given.withSnapshots(1).store({ dir, driver })
  driver.fail('replace').with(new BackupdError('STORE_FULL', 'no room'))
  const wanted = { name: ARCHIVE, snapshots: [...snapshots] }
  await expect(store.snapshots.hide(wanted, WINDOW)).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining('"now: true"'),
  })
  expect(await shown(store)).toEqual([...snapshots])
})

const hideTwo = (store: WholeStore, ids: string[]) =>
  store.snapshots.hide({ name: ARCHIVE, snapshots: ids }, WINDOW)

const WRITES = ['create', 'commit', 'replace', 'remove'] as const

describe.each([
  { what: 'hide', isHidden: false, act: hideTwo, mayGo: false },
  {
    what: 'restore',
    isHidden: true,
    act: (store: WholeStore) => store.restoreHidden({ names: [ARCHIVE] }, makeReader()),
    mayGo: false,
  },
  {
    what: 'free',
    isHidden: true,
    act: (store: WholeStore) => store.expire(RULES, makeExpireRun({ now: () => (T0 + 30 * DAY) * 1000 }).run),
    mayGo: true,
  },
])('a crash at every write of what has to $what two snapshots', ({ isHidden, act, mayGo }) => {
  async function prepare() {
    const { store, clock, dir, snapshots } = await given.withSnapshots(3).store()
    const ids = [...snapshots]
    clock.set(T0 + 10 * DAY)
    if (isHidden) await hideTwo(store, ids.slice(0, 2))
    return { made: dir, ids }
  }

  /** Whether it crashed; then each snapshot is shown or hidden, and one that is gone was due. */
  async function crashAt({ made, ids }: { made: string; ids: string[] }, write: string, nth: number) {
    const dir = tempDir()
    cpSync(made, dir, { recursive: true })
    const driver = faultyDriver(localDriver(dir))
    const { store, clock } = await given.unclaimedStore({ dir, driver })
    clock.set(T0 + (mayGo ? 30 : 10) * DAY)
    driver.crash(write as (typeof WRITES)[number]).at(nth)
    await Promise.resolve(act(store, ids.slice(0, 2))).catch(() => {})
    if (!driver.isCrashed) return false
    const left = filesIn(dir)
    expect(left).toContain(ids[2])
    if (!mayGo) expect(left).toEqual(ids.toSorted())
    const list = existsSync(listIn(dir)) ? readFileSync(listIn(dir), 'utf8') : '[]'
    const hiddenIds = (JSON.parse(list) as { snapshots: string[] }[]).flatMap((one) => one.snapshots)
    const bothOrNone = [[], ids.slice(0, 2).toSorted()]
    expect(bothOrNone).toContainEqual(hiddenIds.toSorted())
    if (mayGo) expect(left.filter((id) => !hiddenIds.includes(id))).toEqual([ids[2]])
    return true
  }

  test('leaves each shown or hidden, never lost', async () => {
    const prepared = await prepare()
    let crashes = 0
    for (const write of WRITES) for (let nth = 1; await crashAt(prepared, write, nth); nth++) crashes++
    expect(crashes).toBeGreaterThan(0)
  })
})

test.skipIf(!hasRestic)(
  'what is hidden survives every prune and is whole for restic (needs restic)',
  async () => {
    const world = await given.app('shop').proc('web').volume('/data/db').plugins()
    const { store, volume, storeDir, backUp, recover } = world
    const check = restic(join(storeDir, SERVER, 'repo'), join(storeDir, '.repository-password'))
    const points: string[] = []
    for (const content of ['first', 'second', 'third']) {
      writeFileSync(join(volume, 'file'), content.repeat(50_000))
      points.push((await backUp({ mode: 'increment' })).result.snapshot ?? '')
    }
    const [first = '', second = ''] = points
    const { backups } = await store.list(SERVER, { limit: 10 })
    const name = backups[0]?.name ?? ''
    await store.snapshots.hide({ name, snapshots: [first] }, WINDOW)
    await store.snapshots.delete({ name, snapshots: [second] }, makeReader())
    const later = (days: number) => {
      const clock = { ...systemClock, now: () => Date.now() + days * DAY * 1000 }
      const identity = { ip: SERVER, daemonId: world.settings.daemonId, version: '0.0.0' }
      const opened = createWholeStore({ driver: localDriver(storeDir), identity, clock, warn: () => {} })
      const { run, problems } = makeExpireRun({
        now: () => clock.now(),
        settings: { ip: SERVER, dataDir: tempDir() },
      })
      return {
        opened,
        expire: () => opened.expire([{ ...RULES[0], source: volume } as never], run),
        problems,
      }
    }
    check('prune', '--max-unused', '0')
    const soon = later(0.9)
    await soon.expire()
    expect(soon.problems).toEqual([])
    check('check', '--read-data')
    await expect(recover(name, { snapshot: first })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await store.restoreHidden({ names: [name] }, makeReader())
    await recover(name, { snapshot: first })
    expect(readFileSync(join(volume, 'file'), 'utf8')).toBe('first'.repeat(50_000))

    await store.hide([name], WINDOW, makeReader())
    expect((await store.list(SERVER, { limit: 10 })).backups).toEqual([])
    writeFileSync(join(volume, 'file'), 'fourth')
    const { backup } = (await backUp({ mode: 'increment' })).result
    expect(backup).toMatchObject({ sequence: 4, series: { snapshots: 1 } })
    const end = later(3)
    expect((await end.expire()).deletedSnapshots.sort()).toEqual([first, points[2]].sort())
    expect(end.problems).toEqual([])
    expect(filesIn(storeDir, SERVER)).toEqual([backup?.series?.newest])
    check('check', '--read-data')
    const packs = readdirSync(join(storeDir, SERVER, 'repo', 'data'), { recursive: true })
    check('prune', '--max-unused', '0')
    expect(readdirSync(join(storeDir, SERVER, 'repo', 'data'), { recursive: true })).toEqual(packs)
  },
)
