import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { DaemonPools } from '../../src/fleet/daemon-pools.ts'

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

test('the connections to a daemon are kept while it is asked, and closed when it is idle', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const origin = await listen()
  const pools = new DaemonPools(1000)
  closing.push(() => void pools.destroy())
  const ask = () =>
    pools.use(origin, async (pool) => (await pool.request({ method: 'GET', path: '/' })).body.text())
  expect(await ask()).toBe('pong')
  expect(pools.size).toBe(1)
  const hold = Promise.withResolvers<void>()
  const held = pools.use(origin, () => hold.promise)
  vi.advanceTimersByTime(60_000)
  expect(pools.size).toBe(1)
  hold.resolve()
  await held
  vi.advanceTimersByTime(60_000)
  expect(pools.size).toBe(0)
  expect(await ask()).toBe('pong')
})

test('nothing stays open after a destroy, and a request that fails leaves an idle pool', async () => {
  const pools = new DaemonPools(1000)
  const refused = pools.use('http://127.0.0.1:1', (pool) => pool.request({ method: 'GET', path: '/' }))
  await expect(refused).rejects.toThrow('ECONNREFUSED')
  expect(pools.size).toBe(1)
  await pools.destroy()
  expect(pools.size).toBe(0)
})
