import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { buildConnector } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createBoundConnector } from '../../../src/daemon/notifier/bound-connector.ts'
import { freePort } from '../../support/free-port.ts'

/** An address that no machine of the tests has (TEST-NET-1, RFC 5737). */
const FOREIGN = '192.0.2.1'

/** Connects from `from`; resolves with the error, if any, and the reasons for another own address. */
async function connectTo(port: number, from: string) {
  const unbound: string[] = []
  const connect = createBoundConnector(from, (reason) => void unbound.push(reason))
  const options = { hostname: '127.0.0.1', protocol: 'http:', port: `${port}` } as buildConnector.Options
  const error = await new Promise<Error | null>((resolve) => {
    connect(options, (failure, socket) => {
      socket?.destroy()
      resolve(failure)
    })
  })
  return { error, unbound }
}

test('a machine without the address connects from another one, and says so', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await connectTo(port, '127.0.0.1')).toEqual({ error: null, unbound: [] })
  expect(await connectTo(port, FOREIGN)).toEqual({ error: null, unbound: [expect.any(String)] })
})

test('a target that refuses is not asked again from another address', async () => {
  const { error, unbound } = await connectTo(await freePort(), '127.0.0.1')
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  expect(unbound).toEqual([])
})
