import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { BodyBudget } from '../../src/http/body-budget.ts'
import { limitConnections } from '../../src/http/connection-limits.ts'
import { meterBodies } from '../../src/http/meter-bodies.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { askGraphQL, startTestController, testFolder } from '../support/real-controller.ts'

async function startApp(perPeer: number, total: number) {
  const app = Fastify()
  meterBodies(app, new BodyBudget({ perPeer, total }))
  app.post('/', async ({ body }) => ({ length: JSON.stringify(body).length }))
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  onTestFinished(() => app.close())
  return url
}

/** Sends the beginning of a body and waits. */
function begin(url: URL, sent: string) {
  const request = httpRequest(url, { method: 'POST', headers: { 'content-type': 'application/json' } })
  request.on('error', () => {})
  request.write(sent)
  const answer = once(request, 'response').then(async ([response]) => {
    let text = ''
    for await (const chunk of response) text += chunk
    return { status: response.statusCode as number, text }
  })
  return { request, answer }
}

test('half-sent bodies of one address have a common limit, and are released when they end', async () => {
  const url = await startApp(1000, 10_000)
  const first = begin(url, `"${'x'.repeat(900)}`)
  const second = begin(url, `"${'y'.repeat(200)}`)
  // Whichever comes second is the one that is too much.
  const refused = await Promise.race([first.answer, second.answer])
  expect(refused.text).toContain('127.0.0.1 sends more than 1000 bytes at once')
  for (const { request } of [first, second]) request.destroy()
  let status = 0
  while (status !== 200) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `"${'z'.repeat(998)}"`,
    })
    status = response.status
  }
})

test('half-sent bodies of all addresses have a common limit', async () => {
  const url = await startApp(5000, 1000)
  const { answer } = begin(url, `"${'x'.repeat(1001)}`)
  expect((await answer).text).toContain('more than 1000 bytes of requests are being received')
})

test('a body at the limit is read', async () => {
  const url = await startApp(1000, 1000)
  const { request, answer } = begin(url, `"${'x'.repeat(998)}`)
  request.end('"')
  expect(await answer).toEqual({ status: 200, text: '{"length":1000}' })
})

async function opened(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function wordsOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test.each([
  [
    'controller',
    async () => startTestController({ folder: await testFolder(), connections: { perPeer: 3 } }),
  ],
  [
    'daemon',
    async () => {
      const daemon = await startTestDaemon({ connections: { perPeer: 3 } })
      onTestFinished(() => daemon.close())
      return daemon
    },
  ],
])(
  'a %s accepts a limited number of connections of one address, and one more after one is closed',
  async (_, start) => {
    const { url } = await start()
    const sockets = [await opened(url), await opened(url), await opened(url)]
    const refused = await wordsOf(await opened(url))
    expect(refused).toMatch(/^HTTP\/1.1 503 .*\r\n/)
    expect(refused).toContain('x-backupd-error-code: TOO_COSTLY')
    expect(refused).toContain('"Cannot open another connection from 127.0.0.1: it has 3 already.')
    expect(refused).toContain('--max-sockets-per-peer')
    for (const socket of sockets) socket.destroy()
    let status = 503
    while (status === 503) status = await fetch(`${url}/healthz`).then((response) => response.status)
    expect(status).not.toBe(503)
  },
)

test('connections of all addresses have a common limit', async () => {
  const app = Fastify()
  limitConnections(app.server, { perPeer: 10, total: 2 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  await opened(url)
  await opened(url)
  const refused = await wordsOf(await opened(url))
  expect(refused).toContain('all 2 are taken')
  expect(refused).toMatch(/\r\nRetry-After: 1\d\r\n/)
})

test('each address may have 1,000 connections unless configured', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  for (let at = 0; at < 999; at++) await opened(url)
  expect(await askGraphQL(url, '{ __typename }')).toMatchObject({ status: 200 })
  await opened(url)
  expect(await wordsOf(await opened(url))).toContain('it has 1000 already')
})
