import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { createLainlet } from '../../src/fleet/lainlet.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { InventoryNews } from '../../src/wire/inventory.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { type Lainlet, type Misbehaviour, startLainlet } from '../support/lainlet.ts'

const RECORDED = JSON.parse(readFileSync('test/fixtures/wire/backupspec.json', 'utf8'))

async function lainletWith(document: unknown): Promise<Lainlet> {
  const lainlet = await startLainlet(document)
  onTestFinished(() => lainlet.close())
  return lainlet
}

/** Watches until the test ends; every piece of news, in order. */
async function watch(address: string, heartbeatSeconds = 1, reconnectSeconds = 600) {
  const news: InventoryNews[] = []
  const log = keepingLog()
  const source = createLainlet({ clock: systemClock, address, log, heartbeatSeconds, reconnectSeconds })
  const watching = await source.watch((one) => void news.push(one), { hasLastGood: false })
  onTestFinished(() => watching.close())
  return { news, log, close: () => watching.close() }
}

const appsOf = (news: InventoryNews | undefined) =>
  news?.kind === 'inventory' ? news.inventory.apps.map(({ name }) => name) : news?.problem

test('the first state is there when the watch begins; each change follows once', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { news } = await watch(lainlet.address)
  expect(news.map(appsOf)).toEqual([['hello', 'ipaddr']])
  expect(lainlet.requests).toEqual(['/v2/backupspec?watch=1&heartbeat=1'])
  const { 'hello.web.web': hello, ...rest } = RECORDED
  lainlet.tell(RECORDED)
  lainlet.tell({ 'hello.web.web': hello })
  await expect.poll(() => news.length).toBe(2)
  expect(appsOf(news[1])).toEqual(['hello'])
  lainlet.tell(rest, 'delete')
  await expect.poll(() => appsOf(news[2])).toEqual(['ipaddr'])
})

test('of a burst of changes the newest is reported, soon', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { news } = await watch(lainlet.address)
  const { 'hello.web.web': hello } = RECORDED
  for (let at = 0; at < 1000; at++) lainlet.tell({ [`app${at}.web.web`]: [], 'hello.web.web': hello })
  for (let at = 0; at < 1000; at++) lainlet.tell(at % 2 ? {} : RECORDED)
  await expect.poll(() => appsOf(news.at(-1))).toEqual([])
  expect(news.length).toBeLessThan(20)
})

test('the document is requested again now and then, without a report', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { news, log } = await watch(lainlet.address, 1, 0.1)
  await expect.poll(() => lainlet.requests.length).toBeGreaterThan(3)
  expect([news.map(appsOf), log.lines]).toEqual([[['hello', 'ipaddr']], []])
})

test('unknown events change nothing', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { news } = await watch(lainlet.address)
  lainlet.send(': a comment\n\nevent: later\ndata: {}\n\ndata: {}\n\nevent: heartbeat\n\n')
  lainlet.tell({})
  await expect.poll(() => news.length).toBe(2)
  expect(appsOf(news[1])).toEqual([])
})

test('an interrupted connection is opened again on its own, without a report if nothing changed', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { news } = await watch(lainlet.address)
  lainlet.cut()
  await expect.poll(() => lainlet.watchers).toBe(0)
  await expect.poll(() => lainlet.watchers).toBe(1)
  lainlet.tell({})
  await expect.poll(() => news.length).toBe(2)
  expect(news.map(appsOf)).toEqual([['hello', 'ipaddr'], []])
})

test('changes during an outage are reported after it, and so is the outage', async () => {
  const lainlet = await lainletWith(RECORDED)
  const { port } = lainlet
  const { news } = await watch(lainlet.address)
  await lainlet.close()
  await expect.poll(() => news.length, { timeout: 30_000 }).toBe(2)
  expect(appsOf(news[1])).toBe(
    `Cannot read the inventory from lainlet at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}. Check that it runs and can be reached from here`,
  )
  await using again = await startLainlet({}, { port })
  await expect.poll(() => news.length, { timeout: 30_000 }).toBe(3)
  expect(again.watchers).toBe(1)
  expect(appsOf(news[2])).toEqual([])
})

test.each<[Misbehaviour, RegExp]>([
  ['hang-up', /other side closed|ECONNRESET/],
  ['garbage', /it sent what is not JSON/],
  ['error', /it reports an error: etcd cluster is unavailable/],
  ['slow', /it sent nothing for 1\.5 s/],
  ['mute', /it sent nothing for 1\.5 s/],
  ['beating', /it sent no document within 2 s/],
  ['babbling', /it sent no document within 2 s/],
  ['huge', /it sent more than 33554432 characters at once/],
  ['json', /it answered 200 with application\/json, not an event stream/],
  ['redirect', /it answered 302 with text\/event-stream, not an event stream/],
  ['failing', /it answered 500 with text\/plain/],
])('one that exists and %s is reported as broken, and read when it works', async (how, words) => {
  const lainlet = await lainletWith(RECORDED)
  lainlet.misbehave(how)
  const { news } = await watch(lainlet.address, 0.5)
  expect(news).toEqual([{ kind: 'broken', problem: expect.stringMatching(words) }])
  lainlet.misbehave(undefined)
  lainlet.cut()
  await expect.poll(() => appsOf(news.at(-1)), { timeout: 30_000 }).toEqual(['hello', 'ipaddr'])
})

test('one that ends each connection after its document is not broken', async () => {
  const lainlet = await lainletWith(RECORDED)
  lainlet.misbehave('short')
  const { news } = await watch(lainlet.address)
  await expect.poll(() => lainlet.requests.length, { timeout: 30_000 }).toBeGreaterThan(3)
  expect(news.map(appsOf)).toEqual([['hello', 'ipaddr']])
})

test('silence ends a connection, and a heartbeat keeps it', async () => {
  const lainlet = await lainletWith(RECORDED)
  await watch(lainlet.address, 1)
  const steady = lainlet.requests.length
  lainlet.misbehave('silent')
  const { log } = await watch(lainlet.address, 0.2)
  await expect.poll(() => log.lines.join('\n')).toMatch(/it sent nothing for 0\.6/)
  lainlet.misbehave(undefined)
  await expect.poll(() => lainlet.requests.length).toBeGreaterThan(steady + 1)
  expect(lainlet.requests.filter((url) => url.endsWith('heartbeat=1'))).toHaveLength(1)
})

test('close() ends a watch that waits for its first document', async () => {
  const lainlet = await lainletWith(RECORDED)
  lainlet.misbehave('mute')
  const source = createLainlet({
    clock: systemClock,
    address: lainlet.address,
    log: keepingLog(),
    heartbeatSeconds: 1,
  })
  const watching = await source.watch(() => {}, { hasLastGood: false })
  await watching.close()
  expect(lainlet.watchers).toBe(0)
})
