import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from 'undici'
import { afterEach, expect, test, vi } from 'vitest'
import { DaemonConnections } from '../../src/fleet/daemon-connections.ts'

const closing: (() => void)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const close of closing.splice(0)) close()
})

async function listen(): Promise<string> {
  const server = createServer((_, reply) => reply.end('pong'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a connection to a daemon is kept while it is asked, and closed when it is idle', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const origin = await listen()
  const connections = new DaemonConnections(1000)
  closing.push(() => void connections.destroy())
  const ask = () =>
    connections.use(origin, async (client) =>
      (await client.request({ method: 'GET', path: '/' })).body.text(),
    )
  expect(await ask()).toBe('pong')
  expect(connections.size).toBe(1)
  const hold = Promise.withResolvers<void>()
  const held = connections.use(origin, () => hold.promise)
  vi.advanceTimersByTime(60_000)
  expect(connections.size).toBe(1)
  hold.resolve()
  await held
  vi.advanceTimersByTime(60_000)
  expect(connections.size).toBe(0)
  expect(await ask()).toBe('pong')
})

test('nothing stays open after a destroy, and a request that fails leaves an idle connection', async () => {
  const connections = new DaemonConnections(1000)
  const refused = connections.use('http://127.0.0.1:1', (client) =>
    client.request({ method: 'GET', path: '/' }),
  )
  await expect(refused).rejects.toThrow('ECONNREFUSED')
  expect(connections.size).toBe(1)
  await connections.destroy()
  expect(connections.size).toBe(0)
})

test('requests at once get connections of their own, up to eight, of which one stays', async () => {
  const origin = await listen()
  const connections = new DaemonConnections(1000)
  closing.push(() => void connections.destroy())
  const hold = Promise.withResolvers<void>()
  const clients = new Set<Client>()
  const held = Array.from({ length: 10 }, () =>
    connections.use(origin, async (client) => {
      clients.add(client)
      await hold.promise
      return (await client.request({ method: 'GET', path: '/' })).body.text()
    }),
  )
  expect([clients.size, connections.size]).toEqual([8, 8])
  hold.resolve()
  expect(await Promise.all(held)).toEqual(Array(10).fill('pong'))
  expect(connections.size).toBe(1)
})
