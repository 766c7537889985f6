import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createWebhookClient } from '../../src/fleet/webhook-client.ts'

const MESSAGE = { headers: {}, body: '{}' }
const NEVER = new AbortController().signal

/** A receiver that does this with each connection. */
async function listen(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function post(url: string, stop = NEVER): Promise<number> {
  const client = createWebhookClient()
  onTestFinished(() => client.close())
  return client.post(url, MESSAGE, stop)
}

function flood(socket: Socket, bytes: Buffer): void {
  const go = () => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', go)
  go()
}

test.each([
  ['a handshake of TLS that never ends', 'https'],
  ['an answer that never comes', 'http'],
])('%s does not keep a controller from its end', async (_what, scheme) => {
  const stop = new AbortController()
  const host = await listen((socket) => socket.once('data', () => stop.abort()))
  await expect(post(`${scheme}://${host}/secret-path`, stop.signal)).rejects.toThrow(
    `${host} did not answer within 10 s`,
  )
})

test('an answer without end is not read', async () => {
  const closed = Promise.withResolvers<void>()
  const host = await listen((socket) => {
    socket.on('close', () => closed.resolve())
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      flood(socket, Buffer.alloc(64 * 1024))
    })
  })
  expect(await post(`http://${host}/`)).toBe(200)
  await closed.promise
})

test.each([
  ['headers without end', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n'],
  ['an answer of another protocol', 'SSH-2.0-x\r\n', 'x'],
])('%s are a failure that does not name the path', async (_what, begin, more) => {
  const host = await listen((socket) => {
    socket.once('data', () => {
      socket.write(begin)
      flood(socket, Buffer.from(more.repeat(1000)))
    })
  })
  const failure = await post(`http://user:hunter2@${host}/secret-path`).catch((error: Error) => error)
  expect(String(failure)).toMatch(new RegExp(`^Error: Cannot reach ${host}: `))
  expect(String(failure)).not.toMatch(/secret|hunter2/)
})
