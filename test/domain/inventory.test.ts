import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { acceptInventory, HELD_FOR_MS } from '../../src/domain/inventory.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const hello = (volumes: number) =>
  given
    .app('hello')
    .proc('web')
    .on(IP)
    .volumes(...Array.from({ length: volumes }, (_, at) => `/v${at}`))
const EMPTY = { apps: [] }

async function withVolumes(count: number) {
  const kit = await hello(count).inMemory()
  const daemon = kit.daemons.at(IP)
  const ticked = async () => {
    tick(kit.world)
    await kit.world.background.settled()
  }
  return { ...kit, daemon, ticked }
}

test('a change is sent to the daemon at once', async () => {
  const { take, daemon } = await withVolumes(2)
  expect(daemon.jobs).toHaveLength(3)
  await take(hello(3).inventory())
  expect(daemon.jobs).toHaveLength(4)
})

test('an inventory that loses everything is held for ten minutes, then comes into force', async () => {
  const { world, take, daemon, clock, ticked, log } = await withVolumes(1)
  await take(EMPTY)
  expect(world.inventory.held).toMatchObject({ lostVolumes: 1, ofVolumes: 1 })
  expect(log.lines.join('\n')).toContain(
    'The new inventory loses 1 of 1 volumes: it is held until 2026-11-23T10:10:00',
  )
  clock.move(HELD_FOR_MS - 1)
  await ticked()
  expect(daemon.jobs).toHaveLength(2)
  clock.move(1)
  await ticked()
  await ticked()
  expect(daemon.jobs).toEqual([])
  expect(world.inventory.held).toBeNull()
})

test('losing more than half of ten volumes is held, losing half of ten or most of nine is not', async () => {
  for (const [before, after, held] of [
    [10, 4, true],
    [10, 5, false],
    [9, 1, false],
  ] as const) {
    const { world, take } = await withVolumes(before)
    await take(hello(after).inventory())
    expect([before, after, world.inventory.held !== null]).toEqual([before, after, held])
  }
})

test('volumes that come back end the hold', async () => {
  const { world, take, clock, ticked, daemon, log } = await withVolumes(2)
  await take(EMPTY)
  expect(log.lines.join('\n')).not.toContain('in force again')
  await take(hello(2).inventory())
  expect(log.lines.join('\n')).toContain('The inventory is in force again; volumes in it: 2')
  expect(world.inventory.held).toBeNull()
  clock.move(2 * HELD_FOR_MS)
  await ticked()
  expect(daemon.jobs).toHaveLength(3)
})

test('a later inventory that loses no more does not postpone the end of the hold', async () => {
  const { world, take, clock } = await withVolumes(10)
  await take(hello(1).inventory())
  const until = world.inventory.held?.until
  clock.move(60_000)
  await take(hello(1).inventory())
  expect(world.inventory.held?.until).toBe(until)
  await take(hello(2).inventory())
  expect(world.inventory.held?.until).toBe(until)
  await take(EMPTY)
  expect(world.inventory.held?.until).toBe(clock.now() + HELD_FOR_MS)
})

test('an inventory that was emptied while the controller was down is held too', async () => {
  const { reopen, memory } = await withVolumes(3)
  expect(memory.inventory?.apps).toHaveLength(1)
  const again = await reopen()
  expect(again.inventory.plan.jobs).toHaveLength(5)
  await acceptInventory(again, { kind: 'inventory', inventory: EMPTY })
  expect(again.inventory.held).toMatchObject({ lostVolumes: 3 })
  expect(again.inventory.plan.jobs).toHaveLength(5)
})

test('a broken edit keeps the last good inventory and says so, until a good one arrives', async () => {
  const { world, take, log, jobIds } = await withVolumes(1)
  await acceptInventory(world, { kind: 'broken', problem: 'line 3, column 7: no such word' })
  expect(world.inventory.problem).toBe('line 3, column 7: no such word')
  expect(jobIds()).toHaveLength(3)
  await take(hello(1).inventory())
  expect(log.lines.join('\n')).toContain('The inventory is in force again; volumes in it: 1')
  expect(world.inventory.problem).toBeNull()
})

test('a held inventory does not come into force while its source is broken', async () => {
  const { world, take, clock, ticked, daemon } = await withVolumes(1)
  await take(EMPTY)
  await acceptInventory(world, { kind: 'broken', problem: 'line 1: a typo' })
  expect(world.inventory.held).toBeNull()
  clock.move(2 * HELD_FOR_MS)
  await ticked()
  expect(daemon.jobs).toHaveLength(2)
  await take(EMPTY)
  expect(world.inventory.held?.until).toBe(clock.now() + HELD_FOR_MS)
})

test('a held inventory comes into force only if the source still has it', async () => {
  const { world, take, clock, ticked, daemon } = await withVolumes(1)
  await take(EMPTY)
  world.rereadInventory = () => acceptInventory(world, { kind: 'broken', problem: 'the file is gone' })
  clock.move(2 * HELD_FOR_MS)
  await ticked()
  expect(daemon.jobs).toHaveLength(2)
  expect(world.inventory.problem).toBe('the file is gone')
})

test('an inventory that replaces the held one while the source is read again has its own ten minutes', async () => {
  const { world, take, clock, ticked, daemon } = await withVolumes(10)
  await take(hello(1).inventory())
  world.rereadInventory = () => acceptInventory(world, { kind: 'inventory', inventory: EMPTY })
  clock.move(HELD_FOR_MS)
  await ticked()
  expect(daemon.jobs).toHaveLength(11)
  expect(world.inventory.held).toMatchObject({ lostVolumes: 10, until: clock.now() + HELD_FOR_MS })
})
