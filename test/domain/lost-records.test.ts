import { expect, test } from 'vitest'
import { acceptNews, admitNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS, SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { TURN_MS } from '../../src/domain/own-stalls.ts'
import { getRecord } from '../../src/domain/records.ts'
import type { DaemonDebug, News } from '../../src/wire/daemon-api.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const RID = ridOf(1)
const started = sampleRecord()

/** A controller that knows of one run. */
async function runningRun(daemon: Partial<DaemonDebug> = {}) {
  const app = given.app('hello').proc('web').on(IP).volume('/data/db')
  const kit = await app.daemon(IP, daemon).inMemory()
  await acceptNews(kit.world, news([started]), { from: IP })
  const state = async () => (await getRecord(kit.world, RID))?.state
  const asked = () => kit.daemons.at(IP).asked
  return { ...kit, daemon: kit.daemons.at(IP), state, asked }
}

function news(records: RunRecord[], running: string[] = []): News {
  return { protocol: 2, daemonId: 'x', server: IP, records, running }
}

function headOf(rids: string[], records = 1) {
  return { server: IP, rids, records }
}

async function turn({ world }: InMemory): Promise<void> {
  world.stalls.noteTurn()
  tick(world)
  await world.background.settled()
}

async function turns(kit: InMemory, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += TURN_MS) {
    kit.clock.move(TURN_MS)
    await turn(kit)
  }
}

test('a refused post is a sign of life of the runs that it names', async () => {
  const kit = await runningRun()
  using _place = admitNews(kit.world, headOf([], 1_000_000), { from: IP })
  kit.clock.move(SILENT_AFTER_MS)
  const refused = () => admitNews(kit.world, headOf([RID]), { from: IP })
  expect(refused).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
  kit.clock.move(SILENT_AFTER_MS)
  tick(kit.world)
  await kit.world.background.settled()
  expect(kit.asked()).not.toContain('record')
})

test('a post from another address than that of its server is no sign of life', async () => {
  const kit = await runningRun()
  kit.clock.move(SILENT_AFTER_MS)
  expect(() => admitNews(kit.world, headOf([RID]), { from: '10.9.9.9' })).toThrow('it came from 10.9.9.9')
  const told = acceptNews(kit.world, news([], [RID]), { from: '10.9.9.9' })
  await expect(told).rejects.toThrow('it came from 10.9.9.9')
  kit.clock.move(1)
  tick(kit.world)
  await kit.world.background.settled()
  expect(kit.asked()).toContain('record')
})

test('a run is not lost while a post that names it waits, however long', async () => {
  const kit = await runningRun()
  kit.daemon.down = true
  {
    using _place = admitNews(kit.world, headOf([RID]), { from: IP })
    for (let at = 0; at < 3; at++) {
      kit.clock.move(LOST_AFTER_MS)
      tick(kit.world)
      await kit.world.background.settled()
    }
    expect(await kit.state()).toBe('running')
    expect(kit.asked()).not.toContain('record')
  }
  tick(kit.world)
  await kit.world.background.settled()
  expect(await kit.state()).toBe('lost')
})

/** A run without a sign of life, about which its daemon is being asked and does not answer yet. */
async function silentRun() {
  const kit = await runningRun()
  const hanging = Promise.withResolvers<void>()
  kit.daemon.hang = hanging.promise
  kit.clock.move(SILENT_AFTER_MS + 1)
  tick(kit.world)
  await expect.poll(kit.asked).toContain('record')
  return { ...kit, hanging }
}

test('a run is not lost if it was heard of while its daemon was asked', async () => {
  const { hanging, ...kit } = await silentRun()
  await acceptNews(kit.world, news([], [RID]), { from: IP })
  hanging.resolve()
  await kit.world.background.settled()
  expect(await kit.state()).toBe('running')
})

test('a run is not lost if a post that names it arrived while its daemon was asked', async () => {
  const { hanging, ...kit } = await silentRun()
  using _place = admitNews(kit.world, headOf([RID]), { from: IP })
  hanging.resolve()
  await kit.world.background.settled()
  expect(await kit.state()).toBe('running')
})

test('a paused controller asks for no run, and calls none lost, for the time that it was paused', async () => {
  const kit = await runningRun()
  kit.world.stalls.noteTurn()
  kit.daemon.down = true
  const before = kit.asked().length
  kit.clock.move(3 * LOST_AFTER_MS)
  await turn(kit)
  expect(kit.asked().slice(before)).not.toContain('record')
  await turns(kit, LOST_AFTER_MS - 2 * TURN_MS)
  expect(await kit.state()).toBe('running')
  await turns(kit, 3 * TURN_MS)
  expect(await kit.state()).toBe('lost')
})

test('a legacy daemon that was silent before the controller was paused has its five minutes afterwards', async () => {
  const kit = await runningRun({ protocol: undefined })
  kit.world.stalls.noteTurn()
  kit.daemon.down = true
  await turns(kit, SILENT_AFTER_MS)
  kit.clock.move(3 * LOST_AFTER_MS)
  await turn(kit)
  expect(await kit.state()).toBe('running')
  await turns(kit, LOST_AFTER_MS)
  expect(await kit.state()).toBe('lost')
})
