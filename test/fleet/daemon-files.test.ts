import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDaemonClient } from '../../src/fleet/daemon-client.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '10.77.0.11'
const FILE = { namespace: IP, name: 'a.tar.gz', path: 'x', snapshot: '', range: 'bytes=1-3' }

/** A daemon that answers a question for a file with this. */
async function daemonThatSays(
  status: number,
  headers: Record<string, string>,
  body: string,
  capabilities = ['content'],
) {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/v1/debug')) {
      const debug = { crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER }
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify({ ...debug, protocol: 2, capabilities }))
    }
    response.writeHead(status, headers)
    response.write(body)
    // More was announced than comes.
    if (Number(headers['content-length']) > body.length) return setTimeout(() => response.destroy(), 50)
    return response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = createDaemonClient({ addressOf: () => `http://127.0.0.1:${port}`, log: silentLog })
  onTestFinished(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return client
}

test('a part of a file', async () => {
  const client = await daemonThatSays(206, { 'content-length': '3', 'content-range': 'bytes 1-3/9' }, 'abc')
  const { head, content } = await client.readFile(IP, FILE)
  expect(head).toEqual({ size: 9, span: { from: 1, end: 4 }, isPart: true })
  expect((await buffer(content)).toString()).toBe('abc')
})

test('none of the bytes that were asked for', async () => {
  const client = await daemonThatSays(416, { 'content-length': '0', 'content-range': 'bytes */9' }, '')
  const { head, content } = await client.readFile(IP, FILE)
  expect(head).toEqual({ size: 9, span: null, isPart: true })
  content.destroy()
})

describe('a daemon that lies about the length of a file is refused', () => {
  test.each<[number, Record<string, string>]>([
    [200, {}],
    [200, { 'content-length': '99999999999999999' }],
    [206, { 'content-length': '3' }],
    [206, { 'content-length': '3', 'content-range': 'bytes 1-4/9' }],
    [206, { 'content-length': '3', 'content-range': 'bytes 7-9/9' }],
    [206, { 'content-length': '3', 'content-range': 'bytes */9' }],
    [206, { 'content-length': '3', 'content-range': 'bytes 1-3/9\u00a0' }],
    [416, { 'content-length': '3', 'content-range': 'lines */9' }],
  ])('%d %j', async (status, headers) => {
    const client = await daemonThatSays(status, headers, 'abc')
    await expect(client.readFile(IP, FILE)).rejects.toMatchObject({ code: 'DAEMON_REFUSED' })
  })
})

test('content that breaks off is an error, never a short file', async () => {
  const client = await daemonThatSays(200, { 'content-length': '100' }, 'abc')
  const { content } = await client.readFile(IP, FILE)
  await expect(buffer(content)).rejects.toThrow()
})

test('an older daemon is refused, and named', async () => {
  const client = await daemonThatSays(200, { 'content-length': '3' }, 'abc', [])
  await expect(client.readFile(IP, FILE)).rejects.toThrow(/hand out files/)
})

test('no question waits for files that nobody takes, and the end of the connections ends them', async () => {
  const client = await daemonThatSays(200, { 'content-length': String(64 << 20) }, 'x'.repeat(64 << 20))
  const files = await Promise.all(Array.from({ length: 12 }, () => client.readFile(IP, FILE)))
  expect((await client.debug(IP)).protocol).toBe(2)
  const ends = files.map(({ content }) => new Promise((resolve) => content.once('error', resolve)))
  client.endConnections(IP)
  expect(await Promise.all(ends)).toHaveLength(12)
})

test('a caller that leaves ends the question, before and after it is answered', async () => {
  const client = await daemonThatSays(200, { 'content-length': '100' }, 'abc')
  const leaving = new AbortController()
  leaving.abort()
  await expect(client.readFile(IP, FILE, leaving.signal)).rejects.toThrow()
  const later = new AbortController()
  const { content } = await client.readFile(IP, FILE, later.signal)
  const failed = new Promise((resolve) => content.once('error', resolve))
  later.abort()
  await failed
})
