import { expect, test } from 'vitest'
import { acknowledgeAlarm, findAlarms } from '../../src/domain/alarms.ts'
import { acceptInventory } from '../../src/domain/inventory.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import type { World } from '../../src/domain/world.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import { endRun, HOUR, listOpenAlarms, MINUTE, nameOpenAlarms, pass, SECOND } from '../support/alarm-kit.ts'
import { asAdmin, callerWith } from '../support/callers.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'
import { tempFolder } from '../support/temp-catalog.ts'

const IP = '10.0.0.1'
const NEW = { timeZone: 'UTC', capabilities: [...CAPABILITIES] }
const ERROR = { code: 'VOLUME_MISSING', message: 'not there', facts: {} }
const FAILED = { state: 'failed', reason: 'not there', error: ERROR } as const

function givenVolumes(count: number, ip = IP) {
  let described = given.app('shop').proc('web').on(ip).volume('/data/v0').schedule({ spec: '0 5 * * *' })
  for (let n = 1; n < count; n++) described = described.volume(`/data/v${n}`).schedule({ spec: '0 5 * * *' })
  return described.daemon(ip, NEW)
}

function listJobs({ inventory }: World): PlannedJob[] {
  return inventory.plan.volumes.flatMap(({ jobs }) => jobs)
}

/** The controller is started again; its inventory is there at once. */
async function reopen(kit: InMemory): Promise<World> {
  const again = await kit.reopen()
  const { inventory } = kit.memory
  if (!inventory) throw new Error('there is no inventory')
  await acceptInventory(again, { kind: 'inventory', inventory })
  return again
}

/** All volumes have a good backup, and the daemons have answered. */
async function startWell(kit: InMemory, world: World = kit.world): Promise<void> {
  for (const job of listJobs(world)) await endRun(kit, world, job)
  await pass(kit, world, MINUTE)
  expect(nameOpenAlarms(world)).toEqual([])
}

async function fail(kit: InMemory, world: World, count = 1): Promise<void> {
  for (const job of listJobs(world).slice(0, count)) await endRun(kit, world, job, FAILED)
}

function findJob(world: World, n: number): PlannedJob {
  const job = listJobs(world)[n]
  if (!job) throw new Error('there is no such job')
  return job
}

test('a fault is an alarm when it still holds a minute later, and is cleared after five quiet minutes', async () => {
  const kit = await givenVolumes(1).inMemory()
  const { world } = kit
  await startWell(kit)
  await fail(kit, world)
  await pass(kit, world, 55 * SECOND)
  expect(nameOpenAlarms(world)).toEqual([])
  await pass(kit, world, 10 * SECOND)
  expect(listOpenAlarms(world)).toMatchObject([
    {
      kind: 'FAILING',
      severity: 'WARNING',
      target: { type: 'VOLUME', server: IP, volume: { app: 'shop', proc: 'shop.web.web', name: '/data/v0' } },
      message: expect.stringMatching(
        /^\/data\/v0 of shop.web.web, instance 1: The last full backup .* failed/,
      ),
      acknowledged: null,
    },
  ])
  await endRun(kit, world, findJob(world, 0))
  await pass(kit, world, 4 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual(['FAILING VOLUME shop/data/v0'])
  await pass(kit, world, MINUTE + 10 * SECOND)
  expect(nameOpenAlarms(world)).toEqual([])
  expect(findAlarms(asAdmin(world), { open: false }, { first: 10 }).items).toMatchObject([
    { node: { kind: 'FAILING', clearedAt: expect.any(Number) } },
  ])
})

test('a fault that is over within a minute raises no alarm, and one that comes back within five is the same alarm', async () => {
  const kit = await givenVolumes(1).inMemory()
  const { world } = kit
  await startWell(kit)
  await fail(kit, world)
  await pass(kit, world, 30 * SECOND)
  await endRun(kit, world, findJob(world, 0))
  await pass(kit, world, 10 * MINUTE)
  expect(world.alarms.book.list()).toEqual([])
  await fail(kit, world)
  await pass(kit, world, 2 * MINUTE)
  const [{ id } = { id: '' }] = listOpenAlarms(world)
  await endRun(kit, world, findJob(world, 0))
  await pass(kit, world, 4 * MINUTE)
  await fail(kit, world)
  await pass(kit, world, 10 * MINUTE)
  expect(world.alarms.book.list().map((alarm) => [alarm.id, alarm.clearedAt])).toEqual([[id, null]])
})

test('a dead server is one alarm, and its overdue volumes are none', async () => {
  const kit = await givenVolumes(40).inMemory()
  const { world } = kit
  await startWell(kit)
  kit.daemons.at(IP).down = true
  await pass(kit, world, 24 * HOUR, MINUTE)
  expect(nameOpenAlarms(world)).toEqual([`SILENT SERVER ${IP}`])
  kit.daemons.at(IP).down = false
  await pass(kit, world, 2 * MINUTE)
  for (const job of listJobs(world)) await endRun(kit, world, job)
  await pass(kit, world, 6 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([])
  expect(world.alarms.book.list()).toHaveLength(1)
})

test('many volumes of a server that fail are one alarm, which counts more of them and goes when all are well', async () => {
  const kit = await givenVolumes(40).inMemory()
  const { world } = kit
  await startWell(kit)
  await fail(kit, world, 12)
  await pass(kit, world, 2 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([`FAILING SERVER ${IP} x12`])
  expect(listOpenAlarms(world)[0]).toMatchObject({
    apps: ['shop'],
    message: expect.stringMatching(
      /^12 volumes on 10\.0\.0\.1 are FAILING\. One of them: \/data\/v\d+ of shop/,
    ),
  })
  await acknowledge(world, listOpenAlarms(world)[0]?.id ?? '')
  await fail(kit, world, 20)
  await pass(kit, world, 2 * MINUTE)
  expect(listOpenAlarms(world)[0]?.acknowledged).not.toBeNull()
  await fail(kit, world, 40)
  await pass(kit, world, 2 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([`FAILING SERVER ${IP} x40`])
  expect(listOpenAlarms(world)[0]?.acknowledged).toBeNull()
  for (const job of listJobs(world)) await endRun(kit, world, job)
  await pass(kit, world, 6 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([])
})

test('volumes that fail one after the other have a few alarms of their own, then one together', async () => {
  const kit = await givenVolumes(40).inMemory()
  const { world } = kit
  await startWell(kit)
  for (let n = 0; n < 20; n++) {
    await endRun(kit, world, findJob(world, n), FAILED)
    await pass(kit, world, 70 * SECOND)
  }
  expect(nameOpenAlarms(world)).toHaveLength(5)
  expect(nameOpenAlarms(world)[0]).toMatch(/^FAILING SERVER 10\.0\.0\.1/)
})

test('many servers that do not answer are one alarm of the controller', async () => {
  const ips = Array.from({ length: 12 }, (_, n) => `10.0.0.${n + 1}`)
  let described = given
    .app('shop')
    .proc('web')
    .on(...ips)
    .volume('/data/db')
    .schedule({ spec: '0 5 * * *' })
  for (const ip of ips) described = described.daemon(ip, NEW)
  const kit = await described.inMemory()
  const { world } = kit
  await startWell(kit)
  for (const ip of ips.slice(0, 9)) kit.daemons.at(ip).down = true
  await pass(kit, world, 4 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual(['SILENT CONTROLLER x9'])
  for (const ip of ips) kit.daemons.at(ip).down = false
  await pass(kit, world, 7 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([])
})

test('a store that many servers lose is one alarm, also if it is two servers, and the backups that fail there are none', async () => {
  const [one, other, third] = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
  const store = { driver: 'moosefs', place: '/mfs/lain', freeBytes: null, totalBytes: null, error: null }
  let described = given
    .app('shop')
    .proc('web')
    .on(one, other, third)
    .volume('/data/db')
    .schedule({ spec: '0 5 * * *' })
  for (const ip of [one, other]) described = described.daemon(ip, { ...NEW, store })
  const kit = await described.daemon(third, { ...NEW, store: { ...store, place: '/mfs/other' } }).inMemory()
  const { world } = kit
  await startWell(kit)
  for (const ip of [one, other]) kit.daemons.at(ip).debug.store = { ...store, error: 'Not mounted' }
  await pass(kit, world, 30 * SECOND)
  for (const job of listJobs(world).filter(({ server }) => server !== third))
    await endRun(kit, world, job, FAILED)
  await pass(kit, world, 3 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual(['STORE_UNAVAILABLE STORE x2'])
  expect(listOpenAlarms(world)[0]).toMatchObject({
    message: expect.stringContaining('the store /mfs/lain, which 2 servers use. One of them: 10.0.0.'),
    servers: expect.arrayContaining([one, other]),
  })
  for (const ip of [one, other]) kit.daemons.at(ip).debug.store = store
  for (const job of listJobs(world)) await endRun(kit, world, job)
  await pass(kit, world, 7 * MINUTE)
  expect(nameOpenAlarms(world)).toEqual([])
  expect(world.alarms.book.list()).toHaveLength(1)
})

test('an alarm stays the same over a restart, and is cleared only once the daemon has answered', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(8).inMemory({ folder })
  await startWell(kit)
  await fail(kit, kit.world, 1)
  await pass(kit, kit.world, 2 * MINUTE)
  const before = listOpenAlarms(kit.world)
  expect(before).toHaveLength(1)
  kit.daemons.at(IP).down = true
  const again = await reopen(kit)
  expect(listOpenAlarms(again)).toEqual(before)
  await pass(kit, again, 14 * MINUTE)
  expect(listOpenAlarms(again)).toEqual(before)
  kit.daemons.at(IP).down = false
  await endRun(kit, again, findJob(again, 0))
  await pass(kit, again, 8 * MINUTE)
  expect(listOpenAlarms(again)).toEqual([])
  expect(again.alarms.book.list()).toHaveLength(1)
})

test('after a start nothing is raised before the daemon has answered, at most for fifteen minutes', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(2).inMemory({ folder })
  await startWell(kit)
  kit.daemons.at(IP).down = true
  const again = await reopen(kit)
  await pass(kit, again, 15 * MINUTE - 10 * SECOND)
  expect(again.alarms.book.list()).toEqual([])
  await pass(kit, again, 2 * MINUTE)
  expect(nameOpenAlarms(again)).toEqual([`SILENT SERVER ${IP}`])
})

test('an alarm of several volumes goes on over a restart, too', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(20).inMemory({ folder })
  await startWell(kit)
  await fail(kit, kit.world, 10)
  await pass(kit, kit.world, 2 * MINUTE)
  const [before] = listOpenAlarms(kit.world)
  const again = await reopen(kit)
  await pass(kit, again, 10 * MINUTE)
  expect(listOpenAlarms(again)).toEqual([before])
  for (const job of listJobs(again)) await endRun(kit, again, job)
  await pass(kit, again, 6 * MINUTE)
  expect(listOpenAlarms(again)).toEqual([])
})

test('an alarm whose volume left the inventory meanwhile is cleared', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(3).inMemory({ folder })
  await startWell(kit)
  await fail(kit, kit.world, 1)
  await pass(kit, kit.world, 2 * MINUTE)
  expect(nameOpenAlarms(kit.world)).toEqual(['FAILING VOLUME shop/data/v0'])
  await kit.take(given.app('shop').proc('web').on(IP).volume('/data/v1').inventory())
  await pass(kit, kit.world, 6 * MINUTE)
  expect(nameOpenAlarms(kit.world)).toEqual([])
})

test('the first start with alarms of a controller that has data tells all in one summary', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(8).inMemory({ folder })
  await startWell(kit)
  await fail(kit, kit.world, 2)
  await kit.catalog.alarms.saveRules('an earlier version')
  const again = await reopen(kit)
  await pass(kit, again, MINUTE)
  expect(nameOpenAlarms(again)).toEqual([
    'FAILING VOLUME shop/data/v0',
    'FAILING VOLUME shop/data/v1',
    'SUMMARY CONTROLLER',
  ])
  const summary = listOpenAlarms(again).find(({ kind }) => kind === 'SUMMARY')
  expect(summary?.message).toMatch(
    /^This controller tells alarms from now on; 2 alarms are open\. Of 8 volumes, 2 fail/,
  )
  expect(listOpenAlarms(again).map(({ isInSummary }) => isInSummary)).toEqual([false, true, true])
  await pass(kit, again, 6 * MINUTE)
  expect(nameOpenAlarms(again)).toEqual(['FAILING VOLUME shop/data/v0', 'FAILING VOLUME shop/data/v1'])
  const third = await reopen(kit)
  await pass(kit, third, 2 * MINUTE)
  expect(third.alarms.book.list()).toHaveLength(3)
})

async function acknowledge(world: World, id: string, ms = 24 * HOUR) {
  const request = { id, until: world.clock.now() + ms, why: 'The disk comes on Monday' }
  return acknowledgeAlarm(asCaller(world, callerWith('operator', null)), request)
}

test('an acknowledged alarm says who, until when and why; a worse state ends that, and so does its time', async () => {
  const folder = await tempFolder()
  const kit = await givenVolumes(1).inMemory({ folder })
  await startWell(kit)
  await endRun(kit, kit.world, findJob(kit.world, 0), { state: 'partial', reason: 'a file' })
  await pass(kit, kit.world, 2 * MINUTE)
  const [{ id } = { id: '' }] = listOpenAlarms(kit.world)
  expect(await acknowledge(kit.world, id, HOUR)).toMatchObject({
    id,
    kind: 'PARTIAL',
    acknowledged: { by: expect.stringContaining('operator'), why: 'The disk comes on Monday' },
  })
  const again = await reopen(kit)
  await pass(kit, again, 10 * MINUTE)
  expect(listOpenAlarms(again)[0]?.acknowledged).not.toBeNull()
  await pass(kit, again, 49 * MINUTE + 55 * SECOND)
  expect(listOpenAlarms(again)[0]?.acknowledged).not.toBeNull()
  await pass(kit, again, 10 * SECOND)
  expect(listOpenAlarms(again)[0]).toMatchObject({ id, acknowledged: null })
  await acknowledge(again, id)
  await fail(kit, again)
  await pass(kit, again, 2 * MINUTE)
  expect(listOpenAlarms(again)).toMatchObject([{ id, kind: 'FAILING', acknowledged: null }])
})

test.each([
  ['no reason', '', HOUR],
  ['a reason that is too long', 'x'.repeat(501), HOUR],
  ['a time that has passed', 'ok', -HOUR],
])('it is refused to acknowledge an alarm with %s', async (_what, why, ms) => {
  const kit = await givenVolumes(1).inMemory()
  await startWell(kit)
  await fail(kit, kit.world)
  await pass(kit, kit.world, 2 * MINUTE)
  const [{ id } = { id: '' }] = listOpenAlarms(kit.world)
  const request = { id, until: kit.clock.now() + ms, why }
  expect(await acknowledgeAlarm(asAdmin(kit.world), request)).toMatchObject({ refused: 'BAD_INPUT' })
  expect(await acknowledgeAlarm(asAdmin(kit.world), { ...request, id: 'nothing' })).toMatchObject({
    refused: 'NOT_FOUND',
  })
})

test('what cannot be stored is not raised, and is raised once it can be', async () => {
  const kit = await givenVolumes(1).inMemory()
  const { world } = kit
  await startWell(kit)
  await fail(kit, world)
  const { save } = world.ports.alarms
  world.ports.alarms.save = () => Promise.reject(new Error('the disk is full'))
  await pass(kit, world, 2 * MINUTE)
  expect(listOpenAlarms(world)).toEqual([])
  expect(world.problems.list().map(({ text }) => text)).toEqual([
    'Cannot raise and clear alarms: the disk is full. It is tried again',
  ])
  world.ports.alarms.save = save
  await pass(kit, world, 5 * SECOND)
  expect(nameOpenAlarms(world)).toContain('FAILING VOLUME shop/data/v0')
})

test('pages and filters select alarms', async () => {
  const kit = await givenVolumes(4).inMemory()
  const { world } = kit
  await startWell(kit)
  await fail(kit, world, 4)
  await pass(kit, world, 2 * MINUTE)
  const admin = asAdmin(world)
  const all = findAlarms(admin, {}, { first: 10 })
  expect(all.items).toHaveLength(4)
  const first = findAlarms(admin, {}, { first: 3 })
  expect(first.hasNextPage).toBe(true)
  const rest = findAlarms(admin, {}, { first: 3, after: first.items.at(-1)?.cursor })
  expect([...first.items, ...rest.items].map(({ node }) => node.id)).toEqual(
    all.items.map(({ node }) => node.id),
  )
  const find = (filter: Parameters<typeof findAlarms>[1]) =>
    findAlarms(admin, filter, { first: 10 }).items.length
  expect(find({ severities: ['CRITICAL'] })).toBe(0)
  expect(find({ severities: ['WARNING'], kinds: ['FAILING'], open: true, acknowledged: false })).toBe(4)
  expect([
    find({ app: 'shop' }),
    find({ app: 'x' }),
    find({ server: IP }),
    find({ server: '10.0.0.2' }),
  ]).toEqual([4, 0, 4, 0])
})
