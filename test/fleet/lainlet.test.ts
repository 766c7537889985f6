import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { readBackupSpec } from '../../src/fleet/backup-spec.ts'
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
  const { news, log } = await watch(lainlet.address)
  lainlet.send(': a comment\n\nevent: later\ndata: {}\n\ndata: {}\n\nevent: heartbeat\n\n')
  // When a connection breaks, the documents that came before are read.
  lainlet.send('event: error\ndata: the end\n\n')
  await expect.poll(() => log.lines.join('\n')).toContain('it reports an error: the end')
  const { 'hello.web.web': hello } = RECORDED
  lainlet.tell({ 'hello.web.web': hello })
  await expect.poll(() => appsOf(news.at(-1))).toEqual(['hello'])
  expect(news).toHaveLength(2)
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

test('a stop ends the wait for the first document, and close() the watch', async () => {
  const lainlet = await lainletWith(RECORDED)
  lainlet.misbehave('mute')
  const source = createLainlet({
    clock: systemClock,
    address: lainlet.address,
    log: keepingLog(),
    heartbeatSeconds: 60,
  })
  const stop = new AbortController()
  const starting = source.watch(() => {}, { hasLastGood: false, stop: stop.signal })
  await expect.poll(() => lainlet.requests.length).toBe(1)
  stop.abort()
  await (await starting).close()
  expect(lainlet.watchers).toBe(0)
})

/** A document of many apps, far larger than what is parsed in the event loop. */
function manyApps(count: number, change: Record<string, string> = {}): Record<string, unknown> {
  const entryOf = (app: string) => ({
    procname: `${app}.web.web`,
    volume: '/data/db',
    schedule: change[app] ?? '0 5 * * *',
    expire: '30d',
  })
  const podOf = (app: string, no: number) => ({
    Annotation: JSON.stringify({ backup: [entryOf(app)] }),
    Containers: [{ Id: `c${no}`, NodeIp: `10.0.0.${no}` }],
    InstanceNo: no,
  })
  const apps = Array.from({ length: count }, (_, n) => `app${n}`)
  return Object.fromEntries(apps.map((app) => [`${app}.web.web`, [1, 2, 3, 4].map((no) => podOf(app, no))]))
}

const listOf = (news: InventoryNews | undefined) => (news?.kind === 'inventory' ? news.inventory.apps : [])

test.each([3, 2000])(
  'of %i apps only the changed one is another object, so only it is planned again',
  async (count) => {
    const lainlet = await lainletWith(manyApps(count))
    const { news } = await watch(lainlet.address)
    await expect.poll(() => listOf(news[0]).length, { timeout: 30_000 }).toBe(count)
    lainlet.tell(manyApps(count, { app1: '0 6 * * *' }))
    await expect.poll(() => news.length, { timeout: 30_000 }).toBe(2)
    const changed = listOf(news[1]).filter((app) => !listOf(news[0]).includes(app))
    expect(changed.map(({ name }) => name)).toEqual(['app1'])
    expect(changed[0]?.procs[0]?.instances[0]?.volumes[0]?.schedules[0]?.spec).toBe('0 6 * * *')
  },
)

test('a large document is not read by the event loop', async () => {
  const document = manyApps(10_000)
  const text = JSON.stringify(document)
  const begun = process.threadCpuUsage()
  readBackupSpec(text)
  const toRead = process.threadCpuUsage(begun)
  const lainlet = await lainletWith({})
  const { news } = await watch(lainlet.address)
  lainlet.send(`event: update\ndata: ${text}\n\n`)
  const told = process.threadCpuUsage()
  await expect.poll(() => listOf(news.at(-1)).length, { timeout: 60_000, interval: 200 }).toBe(10_000)
  const taken = process.threadCpuUsage(told)
  // What takes it off the connection, and the list, is about half of that.
  expect(taken.user + taken.system).toBeLessThan(toRead.user + toRead.system)
})

test('faults of a large document are told, and one that is not JSON breaks the connection', async () => {
  const lainlet = await lainletWith({
    ...manyApps(2000),
    'bad.web.web': [{ InstanceNo: 1, Annotation: '{' }],
  })
  const { news, log } = await watch(lainlet.address)
  await expect.poll(() => news.length, { timeout: 30_000 }).toBe(1)
  const faults = [expect.stringMatching(/^The pod of bad.web.web, instance 1, is left out: its annotation/)]
  expect(news[0]).toMatchObject({ kind: 'inventory', faults })
  lainlet.send(`event: update\ndata: ${'{'.repeat(100_000)}\n\n`)
  await expect.poll(() => log.lines.join('\n'), { timeout: 30_000 }).toMatch(/it sent what is not JSON/)
  expect(news).toHaveLength(1)
})

test('close() ends the reading of a large document, which is not reported any more', async () => {
  const lainlet = await lainletWith({})
  const { news, close } = await watch(lainlet.address)
  const isParsing = () => process.getActiveResourcesInfo().includes('ProcessWrap')
  lainlet.tell(manyApps(10_000))
  await expect.poll(isParsing, { interval: 5 }).toBe(true)
  await close()
  const reported = news.length
  await expect.poll(isParsing).toBe(false)
  expect(news).toHaveLength(reported)
})
