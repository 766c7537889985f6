import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { forgetHistory } from '../../src/domain/forget-history.ts'
import { readVolumeDays } from '../../src/domain/volume-days.ts'
import type { World } from '../../src/domain/world.ts'
import { isoTime } from '../../src/lib/clock.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const HOUR = 3_600_000
const DAY = 24 * HOUR
const volume = given.app('hello').proc('web').on(IP).volume('/data/db')
const daily = volume.schedule({ spec: '0 5 * * *' }).daemon(IP, { timeZone: 'UTC' })

async function look(world: World): Promise<void> {
  for (let n = 0; n < 2; n++) {
    tick(world)
    await world.background.settled()
  }
}

async function pass(kit: InMemory, ms: number): Promise<void> {
  kit.clock.move(ms)
  await look(kit.world)
}

function read(world: World, zone?: string) {
  const [planned] = world.inventory.plan.volumes
  if (!planned) throw new Error('there is no volume')
  return readVolumeDays(world, planned, { count: 3, zone })
}

let runs = 0

async function end({ world }: InMemory, start: number, state: RunRecord['state'] = 'success') {
  const [job] = world.inventory.plan.volumes[0]?.jobs ?? []
  if (!job) throw new Error('there is no job')
  const { id: jobId, spec, action, args } = job.job
  const times = { start: isoTime(start), end: isoTime(start + 1000) }
  await world.ledger.apply([sampleRecord({ rid: ridOf(++runs), jobId, spec, action, args, state, ...times })])
}

test('planned times at which nothing ran are missed, until late news tells of a run', async () => {
  const kit = await daily.inMemory()
  await look(kit.world)
  kit.daemons.at(IP).down = true
  await pass(kit, 2 * DAY)
  const none = { good: 0, partial: 0, failed: 0 }
  expect(await read(kit.world)).toEqual([
    { date: '2026-11-23', ...none, missed: 0, expected: 0 },
    { date: '2026-11-24', ...none, missed: 1, expected: 1 },
    { date: '2026-11-25', ...none, missed: 1, expected: 1 },
  ])
  await end(kit, Date.parse('2026-11-24T05:00:00.3Z'))
  await end(kit, Date.parse('2026-11-25T05:00:00Z'), 'failed')
  const told = [
    { date: '2026-11-23', ...none, missed: 0, expected: 0 },
    { date: '2026-11-24', ...none, good: 1, missed: 0, expected: 1 },
    { date: '2026-11-25', ...none, failed: 1, missed: 0, expected: 1 },
  ]
  expect(await read(kit.world)).toEqual(told)
  const again = await kit.reopen()
  await look(again)
  expect(await read(again)).toEqual(told)
  // 5:00 UTC is 20:00 of the day before in Anchorage.
  expect((await read(again, 'America/Anchorage')).map(({ good, failed }) => [good, failed])).toEqual([
    [1, 0],
    [0, 1],
    [0, 0],
  ])
})

test('each day has the schedule that was in force then', async () => {
  const kit = await daily.inMemory()
  await look(kit.world)
  await pass(kit, DAY)
  await kit.take(volume.schedule({ spec: '0 */6 * * *' }).inventory())
  await look(kit.world)
  await pass(kit, DAY)
  expect((await read(kit.world)).map(({ expected }) => expected)).toEqual([0, 1 + 2, 2])
})

test('a day whose records are no longer kept still has its counts', async () => {
  const kit = await daily.inMemory()
  await look(kit.world)
  await pass(kit, 2 * DAY)
  await end(kit, Date.parse('2026-11-24T05:00:00Z'))
  await end(kit, Date.parse('2026-11-25T05:00:00Z'))
  const before = await read(kit.world)
  Object.assign(kit.world.settings, { keepRecordsMs: DAY })
  await forgetHistory(kit.world)
  expect((await kit.catalog.records.count({})).count).toBe(1)
  expect(await read(kit.world)).toEqual(before)
})

test('a number of days or a zone that cannot be is refused', async () => {
  const { world } = await daily.inMemory()
  const [planned] = world.inventory.plan.volumes
  if (!planned) throw new Error('there is no volume')
  await expect(readVolumeDays(world, planned, { count: 0, zone: undefined })).rejects.toThrow(
    'ask for 1 to 400',
  )
  await expect(read(world, 'Mars/Olympus')).rejects.toThrow('"Mars/Olympus" does not exist')
})
