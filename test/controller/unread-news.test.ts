import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { addNewsRoute } from '../../src/controller/news-route.ts'
import { acceptNews, noteUnreadNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS, SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { BodyBudget } from '../../src/http/body-budget.ts'
import { meterBodies } from '../../src/http/meter-bodies.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { onEnd } from '../support/lifetime.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

// Posts of news that are refused before anybody can read whose they are: for lack of room, or of connections.

const PATH = '/api/v2/system/notify'
const [IP, OTHER] = ['10.0.0.1', '10.0.0.2'] as const

/** A controller that knows of a run on each of two servers, and that has room for a short body only. */
async function narrowController() {
  const kit = await given.app('hello').proc('web').on(IP, OTHER).volume('/data/db').inMemory()
  for (const [at, server] of [IP, OTHER].entries()) {
    const records = [sampleRecord({ rid: ridOf(at + 1), server, jobId: '' })]
    await acceptNews(
      kit.world,
      { protocol: 2, daemonId: 'x', server, records, running: [] },
      { from: server },
    )
    kit.daemons.at(server).asked = []
  }
  kit.world.settings.newsFrom = (ip) => (ip === IP ? ['127.0.0.1'] : [])
  const app = Fastify()
  meterBodies(app, new BodyBudget({ perPeer: 1000, total: 10_000 }))
  addNewsRoute(app, kit.world)
  onEnd(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const headers = { 'content-type': 'application/json' }
  const post = () => fetch(`${url}${PATH}`, { method: 'POST', headers, body: `"${'x'.repeat(2000)}"` })
  const pass = async (ms: number) => {
    kit.clock.move(ms)
    tick(kit.world)
    await kit.world.background.settled()
  }
  return { ...kit, post, pass, asked: (ip: string) => kit.daemons.at(ip).asked }
}

test('a post that is refused for the size of all bodies is a sign of life of its server and its runs', async () => {
  const kit = await narrowController()
  kit.daemons.at(IP).down = true
  for (let passed = 0; passed <= LOST_AFTER_MS; passed += SILENT_AFTER_MS) {
    expect((await kit.post()).headers.get('retry-after')).toMatch(/^([1-9]|[12]\d|30)$/)
    await kit.pass(SILENT_AFTER_MS)
  }
  expect(kit.asked(IP)).not.toContain('record')
  expect(kit.asked(OTHER)).toContain('record')
  await kit.pass(SILENT_AFTER_MS)
  expect(await kit.catalog.records.unfinished(IP)).toHaveLength(1)
})

test('posts that are refused for the size of all bodies count as refused', async () => {
  const kit = await narrowController()
  await kit.post()
  await kit.post()
  expect(kit.world.newsGate.refusing).toMatchObject({ count: 2 })
})

test('a post that is refused unread shows that its server can be reached again', async () => {
  const kit = await narrowController()
  kit.daemons.at(IP).down = true
  await kit.pass(31_000)
  await kit.pass(1000)
  kit.daemons.at(IP).down = false
  expect(kit.world.servers.get(IP)?.silentSince).not.toBeNull()
  await kit.post()
  await kit.world.background.settled()
  expect(kit.world.servers.get(IP)?.silentSince).toBeNull()
})

test('a post that is refused unread says nothing of servers that do not send from there', async () => {
  const kit = await narrowController()
  expect(noteUnreadNews(kit.world, { from: '10.9.9.9' })).toBeUndefined()
  expect(kit.world.newsGate.refusing).toBeUndefined()
  kit.world.settings.newsFrom = () => ['10.9.9.9']
  kit.clock.move(SILENT_AFTER_MS)
  expect(noteUnreadNews(kit.world, { from: '10.9.9.9' })).toBe(1)
  await kit.pass(1)
  for (const ip of [IP, OTHER]) expect(kit.asked(ip)).not.toContain('record')
})

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test('a connection that is refused to a server gets its turn among the refused posts', async () => {
  const inventory = given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory()
  const { url } = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(inventory),
    connections: { perPeer: 1 },
  })
  const open = () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onEnd(async () => void socket.destroy())
    return socket
  }
  await once(open(), 'connect')
  // The first one in the line of refused posts.
  expect(await readAll(open())).toMatch(/^HTTP\/1.1 503 [\s\S]*\r\nRetry-After: 1\r\n/)
})
