import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS, SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { meterBodies } from '../../src/http/meter-bodies.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { onEnd } from '../support/lifetime.ts'

// Posts of news of which the controller can use nothing, however often they are sent.

const PATH = '/api/v2/system/notify'
const IP = '10.0.0.1'
const [JSON_TYPE, LIMIT] = ['application/json', 32 * 1024 * 1024]

const POSTS = [
  ['above the largest size', JSON_TYPE, () => `"${'x'.repeat(LIMIT)}"`],
  ['that is not JSON', JSON_TYPE, () => '{"protocol":2,"records":['],
  ['without its server', JSON_TYPE, () => '{"protocol":2,"records":[],"running":[]}'],
  ['of another type', 'text/csv', () => 'a,b'],
] as const

/** A controller that knows of a run on a server. */
async function controller() {
  const kit = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const run = sampleRecord({ rid: ridOf(1), server: IP, jobId: '' })
  const news = { protocol: 2 as const, daemonId: 'x', server: IP, running: [] }
  await acceptNews(kit.world, { ...news, records: [run] }, { from: IP })
  kit.world.settings.newsFrom = () => ['127.0.0.1']
  const app = Fastify()
  meterBodies(app)
  addNewsRoute(app, kit.world)
  onEnd(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const post = async (type: string, body: string) => {
    const answer = await fetch(`${url}${PATH}`, { method: 'POST', headers: { 'content-type': type }, body })
    await answer.text()
    return answer
  }
  const pass = async (ms: number) => {
    kit.clock.move(ms)
    tick(kit.world)
    await kit.world.background.settled()
  }
  const state = async () => (await kit.catalog.records.getMany([run.rid])).get(run.rid)?.record.state
  return { ...kit, url, run, post, pass, state, daemon: kit.daemons.at(IP) }
}

test.for(POSTS)('while a daemon sends news %s, its runs are not lost', async ([, type, makeBody]) => {
  const kit = await controller()
  kit.daemon.down = true
  for (let passed = 0; passed <= LOST_AFTER_MS + SILENT_AFTER_MS; passed += SILENT_AFTER_MS) {
    if (passed % (2 * SILENT_AFTER_MS) === 0) expect((await kit.post(type, makeBody())).ok).toBe(false)
    await kit.pass(SILENT_AFTER_MS)
  }
  expect(await kit.state()).toBe('running')
  for (let passed = 0; passed <= LOST_AFTER_MS; passed += SILENT_AFTER_MS) await kit.pass(SILENT_AFTER_MS)
  expect(await kit.state()).toBe('lost')
})

test.for(POSTS)('news %s is a problem of its server, and shows that it can be reached', async (each) => {
  const [, type, makeBody] = each
  const kit = await controller()
  kit.daemon.down = true
  await kit.pass(31_000)
  await kit.pass(1000)
  expect(kit.world.servers.get(IP)?.silentSince).not.toBeNull()
  kit.daemon.down = false
  expect((await kit.post(type, makeBody())).ok).toBe(false)
  await kit.world.background.settled()
  expect(kit.world.servers.get(IP)?.silentSince).toBeNull()
  const about = kit.world.problems.list().filter((problem) => problem.about === IP)
  expect(about).toMatchObject([{ text: expect.stringMatching(/^Set aside 1 posts that could not be used/) }])
})

test('what news that cannot be used would tell is asked of the daemon', async () => {
  const kit = await controller()
  const ended = { ...kit.run, seq: 9, state: 'success' as const, end: '2026-11-23T10:01:00Z' }
  kit.daemon.records.set(kit.run.rid, ended)
  for (let tries = 0; tries < 2; tries++) {
    await kit.post(JSON_TYPE, '[')
    await kit.pass(SILENT_AFTER_MS)
  }
  expect(await kit.state()).toBe('success')
})

test('a post whose connection is lost in the middle is not a problem of its server', async () => {
  const kit = await controller()
  const socket = connect(Number(new URL(kit.url).port), '127.0.0.1')
  const head = `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 1000`
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`)
  await once(socket, 'data')
  socket.write('{"protocol":2')
  socket.destroy()
  // The connection after it is handled when the end of that one was.
  await kit.post(JSON_TYPE, '[')
  const texts = kit.world.problems.list().map(({ text }) => text)
  expect(texts).toEqual([expect.stringMatching(/^Set aside 1 posts.*not valid JSON/)])
})
