import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import Fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { readTlsOptions } from '../../src/cli/access-flags.ts'
import { TlsListener } from '../../src/controller/tls-listener.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { hasOpenssl, makeCertificate } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'
import { startTwoApps } from '../support/two-apps.ts'

/** An address of this machine that is not loopback: a request from there to 127.0.0.1 looks like one of another machine. */
const elsewhere = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address

describe.skipIf(!hasOpenssl)('with certificates of openssl', () => {
  test.skipIf(elsewhere === undefined)('a token is accepted over TLS from another machine', async () => {
    const { url, admin, ca, plainUrl } = await startWithTls()
    const headers = { authorization: `Bearer ${admin}`, 'apollo-require-preflight': '1' }
    const answer = await ask(`${url}/graphql?query={apps{name}}`, { ca, headers, localAddress: elsewhere })
    expect(answer).toEqual({ status: 200, body: expect.stringContaining('shop') })
    expect((await ask(`${url}/graphql?query={apps{name}}`, { ca, localAddress: elsewhere })).status).toBe(401)
    // Daemons stay on the plain port.
    expect((await fetch(`${plainUrl}/healthz`)).status).toBe(200)
  })

  test('browsers are told to use TLS alone, over TLS only', async () => {
    const { url, ca, plainUrl } = await startWithTls()
    const [answer] = await once(get(`${url}/healthz`, { ca, agent: false }), 'response')
    answer.resume()
    expect(answer.headers['strict-transport-security']).toBe('max-age=15552000')
    expect((await fetch(`${plainUrl}/healthz`)).headers.get('strict-transport-security')).toBeNull()
  })

  test('a WebSocket works over TLS', async () => {
    const { url, admin, ca } = await startWithTls()
    const socket = new WebSocket(`${url.replace('https', 'wss')}/graphql`, 'graphql-transport-ws', { ca })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${admin}` } }))
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toEqual({ type: 'connection_ack' })
  })

  test('changed files are put in use; broken ones are a problem, and the earlier ones stay', async () => {
    const folder = await testFolder()
    const { certFile, keyFile } = await makeCertificate(folder, 'first')
    const second = await makeCertificate(folder, 'second')
    const [port, problems, log] = [await freePort(), new Problems(systemClock), keepingLog()]
    const app = Fastify()
    await app.ready()
    const listener = await TlsListener.create(app, {
      ...{ host: '127.0.0.1', port, certFile, keyFile },
      ...{ problems, log },
    })
    await listener.listen()
    onTestFinished(() => listener.close())
    expect(await readName(port)).toBe('first')
    await copyFile(second.certFile, certFile)
    await listener.reload()
    expect(problems.list()[0]?.text).toMatch(
      /Cannot use .*first.crt with the key .*The earlier certificate stays/,
    )
    expect(await readName(port)).toBe('first')
    await copyFile(second.keyFile, keyFile)
    await listener.reload()
    expect([problems.list(), await readName(port)]).toEqual([[], 'second'])
    await writeFile(keyFile, 'nonsense')
    await listener.reload()
    expect([problems.list().length, await readName(port)]).toEqual([1, 'second'])
  })

  test('files that cannot be used are refused at the start', async () => {
    const folder = await testFolder()
    const { certFile } = await makeCertificate(folder, 'first')
    const { keyFile } = await makeCertificate(folder, 'other')
    const start = (files: { certFile: string; keyFile: string }) =>
      startTestController({ folder, tls: { host: '127.0.0.1', port: 0, ...files } })
    await expect(start({ certFile, keyFile })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(start({ certFile: join(folder, 'none'), keyFile })).rejects.toThrow('Cannot read --tls-cert')
  })
})

test('the three flags belong together', () => {
  const none = { anonymousFrom: [], trustedProxy: [], insecureHttp: false }
  const flags = { ...none, tlsAddr: ':9443' }
  expect(readTlsOptions(none)).toBeUndefined()
  expect(() => readTlsOptions(flags)).toThrow('give all three')
  expect(readTlsOptions({ ...flags, tlsCert: '/a.crt', tlsKey: '/a.key' })).toEqual({
    ...{ host: '0.0.0.0', port: 9443, certFile: '/a.crt', keyFile: '/a.key' },
  })
})

async function startWithTls() {
  const files = await makeCertificate(await testFolder(), 'controller')
  const port = await freePort()
  const started = await startTwoApps({ tls: { host: '127.0.0.1', port, ...files } })
  return {
    ...started,
    plainUrl: started.url,
    url: `https://127.0.0.1:${port}`,
    ca: await readFile(files.certFile),
  }
}

interface AskOptions {
  ca: Buffer
  headers?: Record<string, string>
  localAddress?: string | undefined
}

function ask(url: string, options: AskOptions): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  get(url, { ...options, agent: false }, (answer) => {
    text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject)
  }).on('error', reject)
  return promise
}

/** The common name of the certificate that a new connection gets. */
async function readName(port: number): Promise<unknown> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}
