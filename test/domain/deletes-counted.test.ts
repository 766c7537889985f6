import { expect, test } from 'vitest'
import { deleteBackups, planDeleteBackups } from '../../src/domain/delete-backups.ts'
import type { DeletePlan } from '../../src/domain/delete-plan.ts'
import { deleteSnapshots, planDeleteSnapshots } from '../../src/domain/delete-snapshots.ts'
import { restoreDeleted } from '../../src/domain/deleted-backups.ts'
import { relist } from '../../src/domain/listing.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { printPin } from '../../src/wire/pin.ts'
import { callerWith } from '../support/callers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { IP, SERIES, withBackups, withSeries } from '../support/deletable-backups.ts'
import { given } from '../support/given.ts'

const SECOND = '10.0.0.2'
const OF = { app: 'hello', proc: 'web' }
const WHOLE = { ...OF, names: [SERIES], server: IP }
const NEEDED = { refused: 'PLAN_NEEDED' }

/** An increment that was deleted whole within the hour, as its plan said. */
async function withDeletedSeries() {
  const kit = await withSeries(4)
  const { planHash } = await kit.plan([SERIES])
  expect(await kit.remove([SERIES], { planHash: planHash ?? '' })).toEqual([SERIES])
  return { ...kit, restore: (snapshots?: string[]) => restoreDeleted(kit.world, { ...WHOLE, snapshots }) }
}

test('an increment whose name was deleted within the hour, and exists again, needs a plan', async () => {
  const { daemon, add, remove } = await withDeletedSeries()
  daemon.snapshots = []
  await add(3)
  expect(await remove([SERIES], { isFinal: true })).toMatchObject(NEEDED)
})

test('a mirror of which a part was deleted within the hour needs a plan', async () => {
  const { daemon, list, plan, remove } = await withBackups(0, 100)
  daemon.backups = [...daemon.backups, sampleBackup({ name: SERIES, mode: 'increment' })]
  await list()
  const cache = [`${SERIES}/cache`]
  const { planHash } = await plan(cache)
  expect(await remove(cache, { planHash: planHash ?? '' })).toEqual(cache)
  expect(await remove([`${SERIES}/etc`])).toMatchObject(NEEDED)
  expect(await remove([SERIES])).toMatchObject(NEEDED)
})

test('an increment that was restored snapshot by snapshot needs a plan again', async () => {
  const { ids, add, remove, restore } = await withDeletedSeries()
  expect(await restore(ids())).toEqual([])
  await add(0)
  expect(await remove([SERIES])).toMatchObject(NEEDED)
})

test('an increment that was restored without an answer needs a plan again', async () => {
  const { daemon, add, remove, restore } = await withDeletedSeries()
  daemon.refusals.set('restoreHidden', new BackupdError('DAEMON_UNREACHABLE', 'the answer is lost'))
  await expect(restore()).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
  await add(0)
  expect(await remove([SERIES])).toMatchObject(NEEDED)
})

test('what an earlier call may have deleted counts, although the daemon refuses the second try', async () => {
  const { world, names, remove } = await withBackups(4, 100)
  for (const code of ['STORE_UNAVAILABLE', 'CONFLICT'] as const) {
    world.ports.daemon.deleteBackups = () => Promise.reject(new BackupdError(code, 'it failed'))
    await expect(remove(names.slice(0, 2))).rejects.toMatchObject({ code })
  }
  expect(await remove(names.slice(2, 3))).toMatchObject(NEEDED)
})

test('what one server deleted counts, although the next one refuses', async () => {
  const both = given.app('hello').proc('web').on(IP, SECOND).volume('/data/db')
  const { world, daemons, names, remove } = await withBackups(4, 100, both)
  const source = '/data/lain/volumes/hello/hello.web.web/2/data/db'
  const [name = '', other = ''] = [46, 47].map((n) => `hello-hello.web.web-2-data-db-17954258${n}.tar.gz`)
  daemons.at(SECOND).backups = [name, other].map((one) =>
    sampleBackup({ server: SECOND, instanceNo: 2, source, name: one }),
  )
  await relist(world, SECOND, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
  const { deleteBackups: original } = world.ports.daemon
  world.ports.daemon.deleteBackups = (ip, namespace, some) =>
    ip === SECOND ? Promise.reject(new BackupdError('CONFLICT', 'it is held')) : original(ip, namespace, some)
  await expect(remove([...names.slice(0, 2), name])).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await remove(names.slice(2, 3))).toMatchObject(NEEDED)
  const plan = (await planDeleteBackups(world, { ...OF, names: [other] })) as DeletePlan
  expect(plan.loss).toMatchObject({ volumes: [{ server: SECOND, deleted: 0 }], all: { deleted: 2 } })
})

test.each([
  ['an answer that nobody can read counts', null, true],
  ['a route that the daemon does not have does not count', 404, false],
])('of DAEMON_REFUSED, %s', async (_what, status, counts) => {
  const { world, names, remove } = await withBackups(4, 100)
  const { deleteBackups: original } = world.ports.daemon
  world.ports.daemon.deleteBackups = () =>
    Promise.reject(new BackupdError('DAEMON_REFUSED', 'refused', { facts: { status } }))
  await expect(remove(names.slice(0, 2))).rejects.toMatchObject({ code: 'DAEMON_REFUSED' })
  world.ports.daemon.deleteBackups = original
  const third = names.slice(2, 3)
  if (counts) expect(await remove(third)).toMatchObject(NEEDED)
  else expect(await remove(third)).toEqual(third)
})

test('what was released a moment ago counts before the store is listed again', async () => {
  const { daemon, names, list, remove } = await withBackups(4, 100)
  const released = daemon.backups
  const pin = printPin({ by: 'anna', reason: 'for the audit', until: null }, '2026-11-20T00:00:00Z')
  daemon.backups = released.map((one) => (one.name === names[3] ? one : { ...one, holds: [pin] }))
  await list()
  daemon.backups = released
  expect(await remove(names.slice(0, 3))).toMatchObject({
    ...NEEDED,
    message: expect.stringContaining(`"${names[0]}" stays, because anna pinned it at 2026-11-20`),
  })
  expect(daemon.asked).not.toContain('delete')
})

test('a restore takes nothing back of what was deleted for good', async () => {
  const { world, ids } = await withSeries(10)
  const backup = { ...OF, name: SERIES }
  const [first = '', second = '', ...rest] = ids()
  const gone = [first, second]
  expect(await deleteSnapshots(world, { backup, snapshots: gone, isFinal: true })).toEqual(gone)
  const count = async () => {
    const plan = (await planDeleteSnapshots(world, { backup, snapshots: rest.slice(0, 1) })) as DeletePlan
    return plan.loss.volumes[0]?.deleted
  }
  for (const snapshots of [undefined, rest, [first.slice(0, 4)], ['000']]) {
    expect(await restoreDeleted(world, { ...WHOLE, snapshots })).toEqual([])
    expect(await count()).toBe(2)
  }
  expect(await restoreDeleted(world, { ...WHOLE, snapshots: [first.slice(0, 8)] })).toEqual([])
  expect(await count()).toBe(1)
  expect(await restoreDeleted(world, { ...WHOLE, snapshots: [second] })).toEqual([])
  expect(await count()).toBe(0)
})

test.each(['', '0', '000', 'zzzz', `${'0'.repeat(64)}0`])(
  'a snapshot is not deleted by "%s", which is not its id or enough of it',
  async (digits) => {
    const { world, daemon } = await withSeries(1)
    const request = { backup: { ...OF, name: SERIES }, snapshots: [digits] }
    const isMalformed = { refused: 'BAD_INPUT', message: expect.stringContaining('is not a snapshot') }
    expect(await planDeleteSnapshots(world, request)).toMatchObject(isMalformed)
    expect(await deleteSnapshots(world, request)).toMatchObject(isMalformed)
    expect(daemon.asked).not.toContain('deleteSnapshots')
  },
)

test('a catalog that cannot be written does not hide what the daemon said', async () => {
  const { world, names, remove, log } = await withBackups(4)
  const fail = () => Promise.reject(new BackupdError('CATALOG_UNUSABLE', 'the disk is full'))
  world.ports.deletes.forget = fail
  world.ports.deletes.forgetRestored = fail
  world.ports.daemon.deleteBackups = () => Promise.reject(new BackupdError('CONFLICT', 'it is held'))
  await expect(remove(names.slice(0, 2))).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await restoreDeleted(world, { ...OF, names: names.slice(0, 1), server: IP })).toEqual([])
  expect(log.lines.filter((line) => line.includes('still counts'))).toHaveLength(2)
})

test('the hash of a plan of another app does not tell what that plan has', async () => {
  const shop = given.app('shop').proc('web').on(IP).volume('/data/db')
  const { world, names, plan, daemon, list } = await withBackups(
    4,
    100,
    shop.app('hello').proc('web').on(IP).volume('/data/db'),
  )
  const own = 'shop-shop.web.web-1-data-db-1795425846.tar.gz'
  const source = '/data/lain/volumes/shop/shop.web.web/1/data/db'
  daemon.backups = [...daemon.backups, sampleBackup({ app: 'shop', proc: 'shop.web.web', source, name: own })]
  await list()
  const { planHash } = await plan(names)
  const limited = { ...world, caller: callerWith('admin', ['shop']) }
  const quoted = { app: 'shop', proc: 'web', planHash: planHash ?? '' }
  for (const some of [[own], []]) {
    const refused = await deleteBackups(limited, { ...quoted, names: some })
    expect(refused).toMatchObject({ refused: 'PLAN_STALE', facts: { alsoDelete: [], noLonger: [] } })
    expect(JSON.stringify(refused)).not.toContain('hello')
  }
})

test('a hidden snapshot of an increment can be freed with "now", and does not count again', async () => {
  const { world, daemon, plan } = await withSeries(3)
  const id = 'c'.repeat(64)
  const [backup] = daemon.backups.filter(({ name }) => name === SERIES)
  daemon.hidden = backup ? [{ backup, mark: null, snapshot: id }] : []
  const request = { backup: { ...OF, name: SERIES }, snapshots: [id.slice(0, 12)] }
  expect(await deleteSnapshots(world, request)).toMatchObject({ refused: 'NOT_FOUND' })
  const made = (await planDeleteSnapshots(world, { ...request, isFinal: true })) as DeletePlan
  expect(made).toMatchObject({ count: 1, kept: 0, snapshots: 1, snapshotBytes: null, loss: { because: [] } })
  expect(await deleteSnapshots(world, { ...request, isFinal: true })).toEqual([id])
  expect((await plan([SERIES])).loss.volumes).toMatchObject([{ good: 3, deleted: 0 }])
})

test('the plan of a delete that can be undone does not permit one for good', async () => {
  const { world, ids, others, plan, remove, daemon } = await withSeries(4)
  const names = others.slice(0, 1)
  const { planHash } = await plan(names)
  const isStale = {
    refused: 'PLAN_STALE',
    message: 'The plan is stale: it would now delete for good. Nothing was deleted',
  }
  expect(await remove(names, { isFinal: true, planHash: planHash ?? '' })).toMatchObject(isStale)
  const request = { backup: { ...OF, name: SERIES }, snapshots: ids().slice(0, 1) }
  const { planHash: other } = (await planDeleteSnapshots(world, request)) as DeletePlan
  const final = { ...request, isFinal: true }
  expect(await deleteSnapshots(world, { ...final, planHash: other ?? '' })).toMatchObject(isStale)
  expect(daemon.asked).not.toContain('deleteSnapshots')
  const { planHash: forGood } = (await planDeleteSnapshots(world, final)) as DeletePlan
  expect(await deleteSnapshots(world, { ...request, planHash: forGood ?? '' })).toMatchObject({
    message: 'The plan is stale: it would no longer delete for good. Nothing was deleted',
  })
  expect(await deleteSnapshots(world, { ...final, planHash: forGood ?? '' })).toHaveLength(1)
})
