import { expect, test } from 'vitest'
import type { Refused } from '../../src/domain/answer.ts'
import { deleteBackups, planDeleteBackups } from '../../src/domain/delete-backups.ts'
import type { DeletePlan } from '../../src/domain/delete-plan.ts'
import { deleteSnapshots, planDeleteSnapshots } from '../../src/domain/delete-snapshots.ts'
import { relist } from '../../src/domain/listing.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { printPin } from '../../src/wire/pin.ts'
import { callerWith } from '../support/callers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { IP, SERIES, withBackups, withSeries } from '../support/deletable-backups.ts'
import { given } from '../support/given.ts'

test('a plan says what would be deleted, what is left, and what stays and why', async () => {
  const { daemon, names, list, plan } = await withBackups(4)
  const pin = printPin({ by: 'anna', reason: 'for the audit', until: null }, '2026-11-20T00:00:00Z')
  daemon.backups = daemon.backups.map((one) => (one.name === names[0] ? { ...one, holds: [pin] } : one))
  await list()
  const made = await plan(names.slice(0, 3))
  expect(made).toMatchObject({ count: 3, kept: 1, bytes: 2000, snapshots: 0, snapshotBytes: 0 })
  expect(made.items.map(({ keptBecause }) => keptBecause)).toEqual([
    ['anna pinned it at 2026-11-20T00:00:00Z until somebody releases it: for the audit'],
    [],
    [],
  ])
  expect(made.loss).toMatchObject({
    volumes: [{ server: IP, good: 4, deleted: 0, now: 2 }],
    all: { good: 24, deleted: 0, now: 2 },
    because: [],
  })
  expect(await plan([names[0] ?? ''])).toMatchObject({ planHash: null, kept: 1 })
})

test('more than half of the good backups of a volume needs a plan, in one call or an hour', async () => {
  const { world, names, remove, plan, clock, daemon } = await withBackups(4)
  const three = names.slice(0, 3)
  expect(await remove(three)).toMatchObject({
    refused: 'PLAN_NEEDED',
    message: expect.stringContaining(
      `it would take 3 of the 4 good backups of /data/db of hello.web.web 1 on ${IP}, more than half`,
    ),
    facts: {
      query: 'deleteBackupsPlan',
      volumes: [{ good: 4, deletedInHour: 0, wouldDelete: 3 }],
      all: { good: 24, wouldDelete: 3 },
    },
  })
  expect(daemon.asked).not.toContain('delete')
  expect(await remove(names.slice(0, 2))).toEqual(names.slice(0, 2))
  const third = names.slice(2, 3)
  expect(await remove(third)).toMatchObject({
    refused: 'PLAN_NEEDED',
    message: expect.stringContaining('3 of the 4 good backups'),
  })
  const made = await plan(third)
  expect(made.loss.volumes).toMatchObject([{ good: 4, deleted: 2, now: 1 }])
  expect(await remove(third, { planHash: made.planHash ?? '' })).toEqual(third)
  expect(await remove(names.slice(3))).toMatchObject({ refused: 'PLAN_NEEDED' })
  clock.move(3_600_001)
  // One of one is more than half as well.
  expect(await remove(names.slice(3))).toMatchObject({
    refused: 'PLAN_NEEDED',
    message: expect.stringContaining('1 of the 1 good backups'),
  })
  expect(await world.ports.backups.get(IP, names[3] ?? '')).toBeDefined()
})

test('more than a tenth of all needs a plan', async () => {
  const { others, remove } = await withBackups(1, 19)
  expect(await remove(others.slice(0, 3))).toMatchObject({
    refused: 'PLAN_NEEDED',
    message: expect.stringContaining('3 of the 20 good backups in all, more than a tenth'),
  })
  expect(await remove(others.slice(0, 2))).toEqual(others.slice(0, 2))
  expect(await remove(others.slice(2, 3))).toMatchObject({ refused: 'PLAN_NEEDED' })
})

test('what is not good needs no plan', async () => {
  const { daemon, names, list, remove } = await withBackups(2, 0)
  daemon.backups = daemon.backups.map((one) => ({ ...one, state: 'partial' as const }))
  await list()
  expect(await remove(names)).toEqual(names)
})

test('deletes of the last hour are counted across a restart, also those of legacy URLs', async () => {
  const { names, remove, reopen, clock } = await withBackups(5)
  expect(await remove(names.slice(0, 2), { needsNoPlan: true })).toHaveLength(2)
  const again = await reopen()
  expect(await remove(names.slice(2, 3), {}, again)).toMatchObject({ refused: 'PLAN_NEEDED' })
  expect(await remove(names.slice(2, 4), { needsNoPlan: true }, again)).toHaveLength(2)
  clock.move(3_600_001)
  const { remove: removeMore, names: two } = await withBackups(2)
  expect(await removeMore(two.slice(0, 1))).toHaveLength(1)
})

test('two deletes at once cannot take together what needs a plan', async () => {
  const { names, remove } = await withBackups(4)
  const ends = await Promise.all(names.map((name) => remove([name])))
  expect(ends.filter((end) => 'refused' in end)).toHaveLength(2)
  expect(ends.flatMap((end) => ('refused' in end ? [(end as Refused).refused] : []))).toEqual([
    'PLAN_NEEDED',
    'PLAN_NEEDED',
  ])
})

test('a delete that the daemon refuses does not count; one that may have taken place does, once', async () => {
  const { world, names, remove } = await withBackups(4)
  const two = names.slice(0, 2)
  for (const code of ['CONFLICT', 'STORE_UNAVAILABLE'] as const) {
    world.ports.daemon.deleteBackups = async () => {
      throw new BackupdError(code, 'it failed')
    }
    for (let tries = 0; tries < 3; tries++) await expect(remove(two)).rejects.toMatchObject({ code })
    if (code === 'CONFLICT') await expect(remove(names.slice(2))).rejects.toMatchObject({ code })
  }
  expect(await remove(names.slice(2, 3))).toMatchObject({ refused: 'PLAN_NEEDED' })
})

test('a stale plan is refused, and says what differs', async () => {
  const { daemon, names, list, plan, remove } = await withBackups(4)
  const { planHash } = await plan(names.slice(0, 3))
  const quoted = { planHash: planHash ?? '' }
  expect(await remove(names, quoted)).toMatchObject({
    refused: 'PLAN_STALE',
    message: `The plan is stale: it would now also delete "${names[3]}". Nothing was deleted`,
    facts: { alsoDelete: [`"${names[3]}"`] },
  })
  expect(await remove(names.slice(0, 2), quoted)).toMatchObject({
    message: `The plan is stale: it would no longer delete "${names[2]}". Nothing was deleted`,
  })
  expect(await remove(names, { planHash: 'f'.repeat(64) })).toMatchObject({
    refused: 'PLAN_STALE',
    message: expect.stringContaining('does not remember the plan'),
  })
  expect(await remove(names, { planHash: 'f' })).toMatchObject({ refused: 'BAD_INPUT' })
  daemon.backups = daemon.backups.filter(({ name }) => name !== names[1])
  await list()
  expect(await remove(names.slice(0, 3), quoted)).toMatchObject({
    refused: 'PLAN_STALE',
    message: expect.stringContaining('no longer be deleted'),
  })
  expect(daemon.asked).not.toContain('delete')
})

test('each snapshot counts as a good backup, and a new one makes the plan of a whole increment stale', async () => {
  const { world, ids, add, plan, remove } = await withSeries(4)
  const backup = { app: 'hello', proc: 'web', name: SERIES }
  const all = ids()
  expect(await deleteSnapshots(world, { backup, snapshots: all.slice(1) })).toMatchObject({
    refused: 'PLAN_NEEDED',
    message: expect.stringContaining('3 of the 4 good backups'),
    facts: { query: 'deleteSnapshotsPlan' },
  })
  const made = (await planDeleteSnapshots(world, {
    backup,
    snapshots: [all[1]?.slice(0, 4) ?? ''],
  })) as DeletePlan
  expect(made).toMatchObject({ count: 1, bytes: 0, snapshots: 1, snapshotBytes: 10 })
  expect(made.items).toMatchObject([{ target: { snapshot: { id: all[1] } }, keptBecause: [] }])
  expect(await planDeleteSnapshots(world, { backup, snapshots: ['dead'] })).toMatchObject({
    refused: 'NOT_FOUND',
  })
  expect(await planDeleteSnapshots(world, { backup, snapshots: ['00'] })).toMatchObject({
    refused: 'BAD_INPUT',
  })

  expect(await remove([SERIES])).toMatchObject({ refused: 'PLAN_NEEDED' })
  const whole = await plan([SERIES])
  expect(whole).toMatchObject({ count: 1, bytes: 0, snapshots: 4, snapshotBytes: 40 })
  await add(1)
  const quoted = { planHash: whole.planHash ?? '' }
  expect(await remove([SERIES], quoted)).toMatchObject({
    refused: 'PLAN_STALE',
    message: expect.stringContaining('it would now also delete the snapshot 0004bbbbbbbb of'),
  })
  const { planHash } = await plan([SERIES])
  expect(await remove([SERIES], { planHash: planHash ?? '' })).toEqual([SERIES])
})

test('what other apps have and delete is neither counted nor told', async () => {
  const shop = given.app('shop').proc('web').on(IP).volume('/data/db')
  const kit = await shop.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const daemon = kit.daemons.at(IP)
  const make = (app: string, n: number) =>
    sampleBackup({
      ...{ app, proc: `${app}.web.web`, sequence: n + 1 },
      name: `${app}-${app}.web.web-1-data-db-${1795425846 + n}.tar.gz`,
      source: `/data/lain/volumes/${app}/${app}.web.web/1/data/db`,
    })
  daemon.backups = ['shop', 'hello'].flatMap((app) => Array.from({ length: 20 }, (_, n) => make(app, n)))
  await relist(kit.world, IP, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
  const namesOf = (app: string) => daemon.backups.filter((one) => one.app === app).map(({ name }) => name)
  const [own, foreign] = [namesOf('shop'), namesOf('hello')]
  await deleteBackups(kit.world, { app: 'hello', proc: 'web', names: foreign.slice(0, 4) })
  const limited = { ...kit.world, caller: callerWith('admin', ['shop']) }
  const plan = await planDeleteBackups(limited, { app: 'shop', proc: 'web', names: own.slice(0, 2) })
  expect(plan).toMatchObject({ loss: { all: { good: 20, deleted: 0, now: 2 }, because: [] } })
  const whole = await planDeleteBackups(kit.world, { app: 'shop', proc: 'web', names: own.slice(0, 2) })
  expect(whole).toMatchObject({
    loss: { all: { good: 40, deleted: 4, now: 2 }, because: [expect.any(String)] },
  })
  expect(await planDeleteBackups(limited, { app: 'hello', proc: 'web', names: foreign })).toMatchObject({
    refused: 'NOT_FOUND',
  })
})
