import { expect, test } from 'vitest'
import { closeWorld } from '../../src/domain/controller.ts'
import type { RecordEvent } from '../../src/domain/record-event.ts'
import { watchRecords } from '../../src/domain/watch-records.ts'
import { ridOf, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const running = sampleRecord()
const progress = (seq: number) => ({ ...running, seq, progress: sampleProgress(seq) })
const done = sampleRecord({ seq: 90, state: 'success', end: '2026-11-23T08:45:00Z' })

async function take(events: AsyncIterator<RecordEvent>, count: number): Promise<RecordEvent[]> {
  const taken: RecordEvent[] = []
  while (taken.length < count) taken.push((await events.next()).value)
  return taken
}

test('a watcher gets the present record, then every change, each with a higher number', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply([running])
  const events = watchRecords(world, { rid: running.rid })
  const [snapshot] = await take(events, 1)
  expect(snapshot).toMatchObject({ kind: 'SNAPSHOT', record: { state: 'running' } })
  const next = events.next()
  await world.ledger.apply([progress(2)])
  await world.ledger.apply([done])
  const changes = [(await next).value as RecordEvent, ...(await take(events, 1))]
  expect(changes.map(({ record }) => record.seq)).toEqual([2, 90])
  const numbers = [snapshot, ...changes].map((event) => event?.seq ?? 0)
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
})

test('a change before the first read is sent once', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply([running])
  const events = watchRecords(world, {})
  const ofRun = watchRecords(world, { rid: running.rid })
  await world.ledger.apply([progress(2)])
  expect((await take(events, 1))[0]).toMatchObject({ kind: 'CHANGE', record: { seq: 2 } })
  expect((await take(ofRun, 1))[0]).toMatchObject({ kind: 'SNAPSHOT', record: { seq: 2 } })
  await world.ledger.apply([done])
  for (const each of [events, ofRun])
    expect((await take(each, 1))[0]).toMatchObject({ kind: 'CHANGE', record: { seq: 90 } })
})

test('a watcher that leaves while runs start and end misses none of it when it comes back', async () => {
  const { world } = await given.inMemory()
  const runs = Array.from({ length: 250 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) }))
  await world.ledger.apply(runs)
  const events = watchRecords(world, {})
  const [first] = await take(events, 1)
  const early = { ...done, rid: first?.record.rid ?? '' }
  await world.ledger.apply([early])
  await world.ledger.apply([sampleRecord({ rid: ridOf(1) })])
  const seen = [first, ...(await take(events, 249))]
  await events.return?.()
  const [missed, started] = await take(watchRecords(world, { since: seen.at(-1)?.seq }), 2)
  expect(missed).toMatchObject({ record: { rid: early.rid, state: 'success' } })
  expect(started?.record.rid).toBe(ridOf(1))
})

test('a watcher of everything first gets the runs that have not ended', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply([
    done,
    sampleRecord({ rid: ridOf(2) }),
    sampleRecord({ rid: ridOf(3), args: { app: 'x' } }),
  ])
  const all = await take(watchRecords(world, {}), 2)
  expect(all.map(({ record }) => record.rid).sort()).toEqual([ridOf(2), ridOf(3)])
  const [ofApp] = await take(watchRecords(world, { app: 'x' }), 1)
  expect(ofApp?.record.rid).toBe(ridOf(3))
})

test('since fills the gap with the changes meanwhile and the newest progress, and continues live', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply([running])
  const [seen] = await take(watchRecords(world, {}), 1)
  await world.ledger.apply([progress(2)])
  await world.ledger.apply([sampleRecord({ rid: ridOf(2) })])
  const events = watchRecords(world, { since: seen?.seq })
  const missed = await take(events, 2)
  expect(missed.map(({ kind, record }) => [kind, record.rid, record.seq])).toEqual([
    ['CHANGE', running.rid, 2],
    ['CHANGE', ridOf(2), 1],
  ])
  const live = events.next()
  await world.ledger.apply([done])
  expect((await live).value).toMatchObject({ kind: 'CHANGE', record: { state: 'success' } })
})

test('since fills the gap across a restart of the controller', async () => {
  const { world, reopen } = await given.inMemory()
  await world.ledger.apply([running])
  const [seen] = await take(watchRecords(world, {}), 1)
  await world.ledger.apply([done])
  const again = await reopen()
  const [missed] = await take(watchRecords(again, { since: seen?.seq }), 1)
  expect(missed).toMatchObject({ kind: 'CHANGE', record: { state: 'success' } })
})

test('a gap of more than a page is filled completely and in order', async () => {
  const { world } = await given.inMemory()
  const records = Array.from({ length: 1203 }, (_, at) => sampleRecord({ rid: ridOf(at + 10) }))
  await world.ledger.apply(records)
  const events = await take(watchRecords(world, { since: 0 }), records.length)
  expect(new Set(events.map(({ record }) => record.rid)).size).toBe(records.length)
  const numbers = events.map(({ seq }) => seq)
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
})

test('a slow listener gets every change of state and only the newest progress', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply([running])
  const events = watchRecords(world, { rid: running.rid })
  await take(events, 1)
  for (let seq = 2; seq < 50; seq++) await world.ledger.apply([progress(seq)])
  await world.ledger.apply([done])
  const told = await take(events, 2)
  expect(told.map(({ record }) => record.seq)).toEqual([49, 90])
})

test.each([
  ['the present records', undefined],
  ['its gap', 0],
])('a watcher that reads %s is not thrown out, however much happens meanwhile', async (_what, since) => {
  const { world } = await given.inMemory()
  let thrownOut = 0
  const start = (from: number, count: number) =>
    world.ledger.apply(Array.from({ length: count }, (_, n) => sampleRecord({ rid: ridOf(from + n) })))
  await start(1, 300)
  const events = watchRecords(world, { since, onBehind: () => thrownOut++ })
  const seen = await take(events, 1)
  for (let from = 301; from <= 11_000; from += 1000) await start(from, 1000)
  seen.push(...(await take(events, 299)))
  await start(20_000, 5)
  seen.push(...(await take(events, 10_000)))
  await start(30_000, 5)
  seen.push(...(await take(events, 1010)))
  expect(thrownOut).toBe(0)
  expect(new Set(seen.map(({ record }) => record.rid)).size).toBe(11_310)
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map(({ seq }) => seq).toSorted((a, b) => a - b))
})

test('a watcher that has caught up and then reads nothing is thrown out', async () => {
  const { world } = await given.inMemory()
  let thrownOut = 0
  world.ledger.events.limits = { events: 20, characters: 1_000_000 }
  const events = watchRecords(world, { onBehind: () => thrownOut++ })
  const waiting = events.next()
  await expect.poll(() => world.ledger.events.listeners).toBe(1)
  await new Promise((resolve) => setImmediate(resolve))
  await world.ledger.apply([running])
  expect((await waiting).value).toMatchObject({ record: { rid: running.rid } })
  await world.ledger.apply(Array.from({ length: 30 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) })))
  expect(thrownOut).toBe(1)
  expect((await events.next()).done).toBe(true)
  expect(world.ledger.events.listeners).toBe(0)
})

test('what waits is not sent after a hole in the gap', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply(Array.from({ length: 700 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) })))
  const { records } = world.ports
  const { upTo } = await records.keptEvents()
  const events = watchRecords(world, { since: 0 })
  await take(events, 500)
  await world.ledger.apply([running])
  world.ports.records = { ...records, keptEvents: async () => ({ after: upTo, upTo }) }
  expect(await events.next()).toEqual({ value: undefined, done: true })
})

test('whoever watches after the end gets nothing', async () => {
  const { world } = await given.inMemory()
  await closeWorld(world)
  expect((await watchRecords(world, {}).next()).done).toBe(true)
})

test('a listener that leaves is removed, even while it waits', async () => {
  const { world } = await given.inMemory()
  const events = watchRecords(world, {})
  const waiting = events.next()
  expect(world.ledger.events.listeners).toBe(1)
  await events.return?.()
  expect((await waiting).done).toBe(true)
  expect(world.ledger.events.listeners).toBe(0)
})

test('closing the controller ends every listener', async () => {
  const { world } = await given.inMemory()
  const waiting = watchRecords(world, {}).next()
  await closeWorld(world)
  expect((await waiting).done).toBe(true)
})

test('a listener whose gap is pruned while it reads is closed with an error', async () => {
  const { world } = await given.inMemory()
  await world.ledger.apply(Array.from({ length: 700 }, (_, at) => sampleRecord({ rid: ridOf(at + 10) })))
  const { records } = world.ports
  const { upTo } = await records.keptEvents()
  let pages = 0
  world.ports.records = {
    ...records,
    eventsSince(...asked) {
      pages++
      return records.eventsSince(...asked)
    },
    keptEvents: async () => ({ after: pages > 1 ? upTo : 0, upTo }),
  }
  const events = watchRecords(world, { since: 0 })
  const told = await take(events, 500)
  expect(told).toHaveLength(500)
  expect(await events.next()).toEqual({ value: undefined, done: true })
})

test('a listener too far behind is closed, and its queue is limited', async () => {
  const { world } = await given.inMemory()
  const queue = world.ledger.events.listen({})
  const offer = (seq: number) => queue.offer({ seq, kind: 'CHANGE', record: running }, 'state')
  for (let seq = 1; seq <= 10_000; seq++) offer(seq)
  expect(world.ledger.events.listeners).toBe(1)
  offer(10_001)
  expect(world.ledger.events.listeners).toBe(0)
  offer(10_002)
  let last = 0
  for (let event = await queue.next(); event; event = await queue.next()) last = event.seq
  expect(last).toBe(10_001)
})

test('a listener too far behind is told so once; one that ends is not', async () => {
  const { world } = await given.inMemory()
  const { events } = world.ledger
  let told = 0
  events.listen({ onBehind: () => told++ })
  events.listen({ rid: ridOf(7), onBehind: () => told++ }).close()
  for (let seq = 1; seq <= 10_010; seq++) events.publish({ seq, kind: 'CHANGE', record: running }, 'state')
  expect(told).toBe(1)
})

test('the queue of a listener is limited by its size too', async () => {
  const { world } = await given.inMemory()
  const queue = world.ledger.events.listen({})
  const record = { ...running, reason: 'x'.repeat(1024 * 1024) }
  for (let seq = 1; seq <= 1064; seq++) queue.offer({ seq, kind: 'CHANGE', record }, 'state')
  expect(world.ledger.events.listeners).toBe(0)
})

test('a queue stays in order, and keeps the newest progress, whatever is replaced in it', async () => {
  const { world } = await given.inMemory()
  const queue = world.ledger.events.listen({})
  const offer = (seq: number, weight: 'state' | 'progress') =>
    queue.offer({ seq, kind: 'CHANGE', record: { ...running, rid: ridOf(seq % 7) } }, weight)
  const got: number[] = []
  for (let seq = 1; seq <= 5000; seq++) {
    offer(seq, seq % 10 === 0 ? 'state' : 'progress')
    if (seq % 25 === 0) got.push((await queue.next())?.seq ?? 0)
  }
  queue.close()
  for (let event = await queue.next(); event; event = await queue.next()) got.push(event.seq)
  expect(got).toEqual(got.toSorted((one, other) => one - other))
  expect(got.filter((seq) => seq % 10 === 0)).toHaveLength(500)
  expect(got.slice(-7).filter((seq) => seq > 4990)).toHaveLength(7)
})

test('an event passes only the listeners that may want it', async () => {
  const { world } = await given.inMemory()
  const { events } = world.ledger
  const listen = (filter: { rid?: string; app?: string }) => ({ filter, queue: events.listen(filter) })
  const { rid } = running
  const filters = [{}, { app: 'hello' }, { rid }, { rid, app: 'hello' }]
  const others = [{ app: 'other' }, { rid: ridOf(9) }, { rid, app: 'other' }]
  const [wanting, not] = [filters.map(listen), others.map(listen)]
  events.publish({ seq: 1, kind: 'CHANGE', record: running }, 'state')
  events.close()
  for (const { queue } of wanting) expect((await queue.next())?.seq).toBe(1)
  for (const { queue } of not) expect(await queue.next()).toBeUndefined()
  expect(events.listeners).toBe(0)
})
