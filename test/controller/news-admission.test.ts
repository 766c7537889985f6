import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { expect, test, vi } from 'vitest'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import { closeApp, createApp, listen, printJson } from '../../src/http/app.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { onEnd } from '../support/lifetime.ts'
import { rawRequest } from '../support/raw-http.ts'
import { askGraphQL, startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

const PATH = '/api/v2/system/notify'
const IP = '10.0.0.1'
const JSON_TYPE = { 'content-type': 'application/json' }
const hello = given.app('hello').proc('web').on(IP).volume('/data/db')

function newsOf(...numbers: number[]): string {
  const records = numbers.map((n) => sampleRecord({ rid: ridOf(n) }))
  return JSON.stringify({ protocol: 2, daemonId: 'x', server: IP, records, running: [] })
}

test('news beyond the limits is answered 503 with its code and Retry-After, and is taken when it comes again', async () => {
  const { url } = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(hello.inventory()),
    newsLimits: { posts: 1 },
  })
  const send = (n: number) =>
    rawRequest(url, { method: 'POST', path: PATH, headers: JSON_TYPE, body: newsOf(n) })
  let left = Array.from({ length: 40 }, (_, n) => n + 1)
  let refusals = 0
  while (left.length > 0) {
    const answers = await Promise.all(left.map(async (n) => ({ n, ...(await send(n)) })))
    const refused = answers.filter(({ status }) => status !== 200)
    for (const { status, headers, body } of refused) {
      expect(status).toBe(503)
      expect(headers['x-backupd-error-code']).toBe('OVERLOADED')
      expect(headers['retry-after']).toMatch(/^\d+$/)
      expect(JSON.parse(body)).toContain(`Cannot take news of ${IP} now: 1 posts wait already`)
    }
    refusals += refused.length
    left = refused.map(({ n }) => n)
  }
  expect(refusals).toBeGreaterThan(0)
  const { data } = await askGraphQL<{ records: { totalCount: number } }>(url, '{ records { totalCount } }')
  expect(data?.records.totalCount).toBe(40)
}, 60_000)

test('a post of a legacy daemon beyond the limits is refused too, not set aside', async () => {
  const { url } = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory()),
    newsLimits: { posts: 1 },
  })
  const legacyOf = (n: number) => {
    const { start, spec, action } = sampleRecord()
    const job = { id: '7f000001aaaa', spec, action, args: null, type: 'once', sleep: false }
    return { ...job, rid: ridOf(n), result: null, state: 'running', start, end: NEVER, reason: '' }
  }
  const send = (n: number) =>
    rawRequest(url, { method: 'POST', path: PATH, headers: JSON_TYPE, body: JSON.stringify(legacyOf(n)) })
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => send(n + 1)))
  const taken = answers.filter(({ status }) => status === 200).length
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  const { data } = await askGraphQL<{ records: { totalCount: number } }>(url, '{ records { totalCount } }')
  expect(data?.records.totalCount).toBe(taken)
})

/** A controller whose store waits until the test lets it go on. */
async function heldController() {
  const open = Promise.withResolvers<void>()
  const kit = await hello.inMemory({
    wrapRecords: (records) => ({
      ...records,
      async apply(news) {
        await open.promise
        return records.apply(news)
      },
    }),
  })
  kit.world.settings.newsFrom = () => ['127.0.0.1']
  const app = createApp({
    guard: () => {},
    refuse: (_error, _request, reply) => printJson(reply.code(500), 'refused'),
  })
  // Those that have this header reach the route only when their sender has left.
  app.addHook('preHandler', async ({ headers }, { raw }) => {
    if (headers['x-leaves'] && !raw.closed) await once(raw, 'close')
  })
  addNewsRoute(app, kit.world)
  onEnd(() => closeApp(app))
  const url = await listen(app, { host: '127.0.0.1', port: 0 }, 'controller')
  const waiting = (count: number) => expect.poll(() => kit.world.newsGate.waiting.posts).toBe(count)
  return { ...kit, url: `${url}${PATH}`, waiting, letGo: open.resolve }
}

test('a post whose connection is closed while it waits is dropped and leaves its place', async () => {
  const { url, waiting, letGo, catalog } = await heldController()
  const send = (body: string, signal?: AbortSignal) =>
    fetch(url, { method: 'POST', headers: JSON_TYPE, body, signal: signal ?? null })
  const stored = send(newsOf(1))
  await waiting(1)
  const sender = new AbortController()
  const dropped = send(newsOf(2), sender.signal)
  await waiting(2)
  sender.abort()
  await expect(dropped).rejects.toThrow()
  await waiting(1)
  const last = send(newsOf(3))
  await waiting(2)
  letGo()
  expect([(await stored).status, (await last).status]).toEqual([200, 200])
  await waiting(0)
  const rids = (await catalog.records.unfinished()).map(({ rid }) => rid)
  expect(rids.sort()).toEqual([ridOf(1), ridOf(3)])
})

test('a post whose connection was closed before it reaches the route does not wait', async () => {
  const { url, waiting, letGo, catalog, world } = await heldController()
  const stored = fetch(url, { method: 'POST', headers: JSON_TYPE, body: newsOf(1) })
  await waiting(1)
  const sender = new AbortController()
  const headers = { ...JSON_TYPE, 'x-leaves': 'yes' }
  const left = fetch(url, { method: 'POST', headers, body: newsOf(2), signal: sender.signal })
  const asked = vi.spyOn(world.newsLine, 'take')
  setTimeout(() => sender.abort(), 100)
  await expect(left).rejects.toThrow()
  await expect.poll(() => asked.mock.calls.length).toBe(1)
  await waiting(1)
  letGo()
  expect((await stored).status).toBe(200)
  await waiting(0)
  expect((await catalog.records.unfinished()).map(({ rid }) => rid)).toEqual([ridOf(1)])
})

test('a post for which there is no room while it arrives is answered with Retry-After too', async () => {
  const { url } = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(hello.inventory()),
  })
  const half = Buffer.alloc(20 * 1024 * 1024, ' ')
  const posts = [1, 2].map(() => {
    const post = httpRequest(`${url}${PATH}`, { method: 'POST', headers: JSON_TYPE }).on('error', () => {})
    post.write(half)
    return post
  })
  onEnd(() => {
    for (const post of posts) post.destroy()
  })
  const [answer] = await Promise.race(posts.map((post) => once(post, 'response')))
  expect(answer.headers['x-backupd-error-code']).toBe('TOO_COSTLY')
  expect(answer.headers['retry-after']).toMatch(/^\d+$/)
})
