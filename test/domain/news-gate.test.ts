import { expect, test } from 'vitest'
import { type ArrivedPost, NewsGate, type NewsLimits } from '../../src/domain/news-gate.ts'
import type { BackupdError } from '../../src/lib/errors.ts'
import { handClock } from '../support/hand-clock.ts'

/** Changes a second until something was measured. */
const FIRST_RATE = 2000

function post(changes: Partial<ArrivedPost> = {}): ArrivedPost {
  return { server: '10.0.0.1', rids: [], records: 100, bytes: 1000, isLegacy: false, ...changes }
}

function gateWith(limits: Partial<NewsLimits> = {}) {
  const clock = handClock()
  const gate = new NewsGate(clock, { postsPerServer: 1_000_000, ...limits })
  /** Admits posts until one is refused. */
  const fill = (one = post()) => {
    const places: Disposable[] = []
    for (;;) {
      try {
        places.push(gate.admit(one))
      } catch (error) {
        return { places, error: error as BackupdError }
      }
    }
  }
  return { gate, clock, fill }
}

test('as much is admitted as can be worked off within the limit, at the rate that was measured', () => {
  const { fill } = gateWith({ seconds: 5 })
  expect(fill().places).toHaveLength((FIRST_RATE * 5) / 100)
  const fast = gateWith({ seconds: 5 })
  for (let at = 0; at < 500; at++) fast.gate.noteTaken(300, 100)
  expect(fast.fill().places.length).toBeGreaterThan(140)
  const slow = gateWith({ seconds: 5 })
  for (let at = 0; at < 10; at++) slow.gate.noteTaken(100, 10_000)
  expect(slow.fill().places).toHaveLength(1)
})

test('a refusal says why and when to come back', () => {
  const { error } = gateWith().fill()
  expect(error).toMatchObject({ code: 'OVERLOADED', facts: { server: '10.0.0.1' } })
  expect(error.message).toMatch(
    /^Cannot take news of 10\.0\.0\.1 now: 10000 records wait already\. Send it again in \d+ s$/,
  )
})

test('room that was left is given to the next', () => {
  const { gate, fill } = gateWith()
  const { places } = fill()
  expect(() => gate.admit(post())).toThrow()
  places[0]?.[Symbol.dispose]()
  places[0]?.[Symbol.dispose]()
  gate.admit(post())
  expect(() => gate.admit(post())).toThrow()
})

test.each([
  { limit: 'bytes', limits: { bytes: 10_000 }, admitted: 10, why: /posts of 10000 bytes wait/ },
  { limit: 'posts', limits: { posts: 7 }, admitted: 7, why: /7 posts wait/ },
  { limit: 'posts of one server', limits: { postsPerServer: 3 }, admitted: 3, why: /3 posts of this server/ },
])('the number of waiting $limit is limited', ({ limits, admitted, why }) => {
  const { gate, fill } = gateWith(limits)
  const { places, error } = fill(post({ records: 1 }))
  expect(places).toHaveLength(admitted)
  expect(error.message).toMatch(why)
  for (const place of places) place[Symbol.dispose]()
  expect(gate.waiting).toEqual({ posts: 0, records: 0, bytes: 0 })
})

test('a post that is alone is admitted, however large it is and however slow the catalog', () => {
  const { gate } = gateWith({ bytes: 10, seconds: 0.001 })
  gate.admit(post({ records: 1000, bytes: 1_000_000 }))
  expect(() => gate.admit(post({ records: 1 }))).toThrow()
})

test('a legacy daemon, which tries three times only, is not refused for the work that waits', () => {
  const { gate, fill } = gateWith({ posts: 100 })
  const { places } = fill()
  for (let at = places.length; at < 100; at++) gate.admit(post({ records: 1, isLegacy: true }))
  expect(() => gate.admit(post({ records: 1, isLegacy: true }))).toThrow('100 posts wait')
})

test('refused daemons are spread over the time that their work takes', () => {
  const { gate } = gateWith()
  // The later ones, whose turn comes after more than 30 s, are asked to come within 15 to 30 s.
  const seconds = Array.from({ length: 2000 }, () => gate.chooseRetryAfter(100))
  expect(Math.min(...seconds)).toBe(1)
  expect(Math.max(...seconds)).toBeLessThanOrEqual(30)
  const wave = [...Map.groupBy(seconds, (each) => each).values()].map(({ length }) => length)
  expect(Math.max(...wave)).toBeLessThan(200)
})

test('the line of refused daemons moves on with the time', () => {
  const { gate, clock } = gateWith()
  for (let at = 0; at < 2000; at++) gate.chooseRetryAfter(100)
  clock.move(120_000)
  expect(gate.chooseRetryAfter(100)).toBe(1)
})

test('one batch during which the process was paused does not close the gate', () => {
  const { gate, fill } = gateWith()
  gate.noteTaken(100, 60_000)
  expect(fill().places.length).toBeGreaterThanOrEqual(5)
})

test('small batches, whose time is that of a transaction, do not close the gate', () => {
  const { gate, fill } = gateWith()
  for (let at = 0; at < 1000; at++) gate.noteTaken(3, 150)
  expect(fill().places).toHaveLength((FIRST_RATE * 5) / 100)
})

test('the runs of an admitted post are known until it has ended', () => {
  const { gate } = gateWith()
  const place = gate.admit(post({ rids: ['a', 'b'] }))
  expect(gate.names('10.0.0.1', 'b')).toBe(true)
  expect(gate.names('10.0.0.2', 'b')).toBe(false)
  place[Symbol.dispose]()
  expect(gate.names('10.0.0.1', 'b')).toBe(false)
})

test.each([
  { post: 'with fewer records than a post may have', changes: { records: 99 }, isBehind: false },
  { post: 'with as many records as a post may have', changes: { records: 100 }, isBehind: true },
  { post: 'with few, but large records', changes: { records: 3, bytes: 300_000 }, isBehind: true },
])('a server whose last post came $post counts as behind: $isBehind', ({ changes, isBehind }) => {
  const { gate, clock } = gateWith()
  gate.admit(post({ records: 100 }))
  gate.admit(post(changes))
  expect(gate.isBehind('10.0.0.1')).toBe(isBehind)
  expect(gate.mayAsk('10.0.0.1')).toBe(!isBehind)
  expect(gate.isBehind('10.0.0.2')).toBe(false)
  clock.move(75_000)
  expect(gate.isBehind('10.0.0.1')).toBe(false)
})

test('records that were asked for get no room that news would not get, and count as no refusal', () => {
  const { gate, fill } = gateWith()
  const { places } = fill()
  const { refusing } = gate
  expect(gate.mayAsk('10.0.0.2')).toBe(false)
  expect(gate.tryAdmit(post({ server: '10.0.0.2' }))).toBeUndefined()
  expect(gate.refusing).toEqual(refusing)
  expect(gate.isBehind('10.0.0.2')).toBe(false)
  places[0]?.[Symbol.dispose]()
  gate.tryAdmit(post({ server: '10.0.0.2' }))
  expect(gate.hasPosts('10.0.0.2')).toBe(true)
  expect(gate.tryAdmit(post({ server: '10.0.0.2' }))).toBeUndefined()
})

test('a post that was refused unread counts as refused, and its server as behind', () => {
  const { gate } = gateWith()
  expect(gate.noteUnread(['10.0.0.1', '10.0.0.2'])).toBe(1)
  expect(gate.refusing).toEqual({ count: 1, sinceMs: 0 })
  expect(gate.isBehind('10.0.0.2')).toBe(true)
})
