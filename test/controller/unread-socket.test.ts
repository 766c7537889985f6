import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { MAX_UNREAD, watchUnread } from '../../src/controller/unread-socket.ts'

/** A client that reads nothing, and what the server knows of its socket. */
async function connectDeaf() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => client.terminate())
  const [socket] = (await once(server, 'connection')) as [WebSocket]
  onTestFinished(() => socket.terminate())
  await once(client, 'open')
  client.pause()
  watchUnread(socket)
  return { client, socket }
}

test.each(['message', 'ping'] as const)(
  'a client that sends a %s and reads no answers is closed, and told to connect again',
  async (event) => {
    const { client, socket } = await connectDeaf()
    const send = async () => {
      const heard = once(socket, event)
      if (event === 'ping') client.ping()
      else client.send('more')
      await heard
      return socket.readyState
    }
    expect(await send()).toBe(WebSocket.OPEN)
    // More than the kernel takes for a client that does not read.
    while (socket.bufferedAmount <= MAX_UNREAD) socket.send(Buffer.alloc(MAX_UNREAD))
    expect(socket.readyState).toBe(WebSocket.OPEN)
    expect(await send()).toBe(WebSocket.CLOSING)
    const closed = once(client, 'close')
    client.resume()
    expect((await closed)[0]).toBe(1013)
  },
)
