import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web').volume('/data/db')

describe('a body', () => {
  const bomb = gzipSync(Buffer.alloc(8 << 20, ' '))
  const JSON_TYPE = { 'content-type': 'application/json' }

  test.each<[string, Sent]>([
    [
      'of eight MiB that tells no length',
      { headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' }, body: Buffer.alloc(8 << 20, ' ') },
    ],
    ['that is compressed', { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: bomb }],
    ['that is not UTF-8', { headers: JSON_TYPE, body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }],
    ['that is nested too deeply', { headers: JSON_TYPE, body: Buffer.from('['.repeat(200_000)) }],
    ['of a type nobody knows', { headers: { 'content-type': 'application/x-tar' }, body: bomb }],
  ])('%s is refused by every program, which continues', async (_what, sent) => {
    const { url, daemon } = await hello.running()
    for (const [target, path] of [
      [url, '/graphql'],
      [url, '/api/v2/system/notify'],
      [daemon.url, '/api/v1/backup/delete'],
    ] as const) {
      const { status, text } = await send(`${target}${path}`, sent)
      expect([400, 413, 415], `${path}: ${status} ${text}`).toContain(status)
      expect(text.length).toBeGreaterThan(10)
    }
    for (const each of [url, daemon.url]) expect((await fetch(`${each}/healthz`)).status).toBe(200)
  })

  test('that is shorter than its length does no harm', async () => {
    const { url, daemon } = await hello.running()
    for (const target of [`${url}/graphql`, `${daemon.url}/api/v1/backup/delete`]) {
      const headers = { ...JSON_TYPE, 'content-length': '1000' }
      await expect(
        send(target, { headers, body: Buffer.from('{"files":["x"'), cutOff: true }),
      ).rejects.toThrow()
    }
    for (const each of [url, daemon.url]) expect((await fetch(`${each}/healthz`)).status).toBe(200)
  })
})

interface Sent {
  headers: Record<string, string>
  body: Buffer
  /** Ends the connection before the body is complete. */
  cutOff?: boolean
}

function send(url: string, { headers, body, cutOff }: Sent): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const call = request(url, { method: 'POST', headers, agent: false }, (response) => {
    response.setEncoding('utf8')
    let text = ''
    response.on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', reject)
  })
  call.on('error', reject)
  if (cutOff) call.write(body, () => call.destroy(new Error('cut off')))
  else call.end(body)
  return promise
}
