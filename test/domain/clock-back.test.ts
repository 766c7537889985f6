import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { pollDue } from '../../src/domain/servers.ts'
import { SetAside } from '../../src/domain/set-aside.ts'
import { Problems } from '../../src/lib/problems.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'
import type { MemoryDaemon } from '../support/memory-daemons.ts'

const IP = '10.0.0.1'
const DAY = 24 * 3_600_000

async function oneServer() {
  const kit = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const daemon = kit.daemons.at(IP)
  const count = (question: string) => daemon.asked.filter((asked) => asked === question).length
  return { ...kit, daemon, count }
}

test('all daemons are polled although the clock was set back by a day', async () => {
  const { world, clock, count } = await oneServer()
  const before = count('debug')
  pollDue(world)
  await world.background.settled()
  expect(count('debug')).toBe(before)
  clock.move(-DAY)
  pollDue(world)
  await world.background.settled()
  expect(count('debug')).toBe(before + 1)
})

test('a stale schedule is read again although the clock was set back', async () => {
  const { world, clock, daemon, count } = await oneServer()
  const readAfter = async (ms: number, seq: number, state: 'running' | 'success') => {
    await acceptNews(world, newsOf(daemon, sampleRecord({ server: IP, seq, state })), { from: IP })
    clock.move(ms)
    pollDue(world)
    await world.background.settled()
    return count('jobs')
  }
  const before = count('jobs')
  expect(await readAfter(20_000, 1, 'running')).toBe(before + 1)
  expect(await readAfter(-10_000, 2, 'success')).toBe(before + 2)
})

function newsOf({ debug }: MemoryDaemon, record: RunRecord) {
  const daemonId = debug.daemonId ?? ''
  return { protocol: 2 as const, daemonId, server: IP, records: [record], running: [] }
}

test('old records are deleted each hour, and an hour after the clock was set back', async () => {
  const { world, clock } = await oneServer()
  let looks = 0
  const { forget } = world.ports.records
  world.ports.records.forget = (request) => {
    looks++
    return forget(request)
  }
  const look = async (ms: number) => {
    clock.move(ms)
    tick(world)
    await world.background.settled()
    return looks
  }
  expect(await look(0)).toBe(1)
  expect(await look(3_599_999)).toBe(1)
  expect(await look(1)).toBe(2)
  expect(await look(-DAY)).toBe(3)
})

test('set aside items are logged each minute, and a minute after the clock was set back', () => {
  const clock = handClock()
  const log = keepingLog()
  const problems = new Problems(clock)
  const setAside = new SetAside({ clock, log, problems })
  const note = (ms: number) => {
    clock.move(ms)
    setAside.note(IP, 'records', ['bad'])
    return log.lines.length
  }
  expect([note(0), note(59_999), note(1), note(-DAY)]).toEqual([1, 1, 2, 3])
  expect(problems.list()).toMatchObject([{ text: expect.stringContaining('Set aside 4 records') }])
  setAside.note(IP, 'records', [])
  clock.move(DAY - 1)
  setAside.forgetOld()
  expect(problems.list()).toHaveLength(1)
  clock.move(-DAY)
  setAside.forgetOld()
  expect(problems.list()).toHaveLength(1)
  clock.move(-DAY)
  setAside.forgetOld()
  expect(problems.list()).toEqual([])
})
