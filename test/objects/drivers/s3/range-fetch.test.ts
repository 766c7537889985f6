import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Bucket } from '../../../../src/objects/drivers/s3/bucket.ts'
import { RangeFetch } from '../../../../src/objects/drivers/s3/range-fetch.ts'
import { onEnd } from '../../../support/lifetime.ts'
import { startS3Model } from '../../../support/s3-model.ts'

const CONTENT = Buffer.from('content')

/** A server that sends all bytes of an answer without a length, and breaks the connection before its end. */
async function startBreakingServer(): Promise<{ endpoint: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers.range}`)
    response.writeHead(206, { etag: '"1"' })
    response.write(CONTENT, () => setImmediate(() => response.destroy()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

test('a connection that breaks after the last byte costs one try, and no byte is asked for twice', async () => {
  const { settings } = await startS3Model()
  const { endpoint, requests } = await startBreakingServer()
  const bucket = new Bucket({ ...settings, endpoint })
  const { signal } = new AbortController()
  const fetch = new RangeFetch(
    { bucket, name: 'object', size: CONTENT.length, etag: '"1"', signal },
    { from: 0, end: CONTENT.length },
  )
  await expect(fetch.bytes()).rejects.toMatchObject({ facts: { transient: true } })
  expect(await fetch.bytes()).toEqual(CONTENT)
  expect(requests).toEqual([`GET bytes=0-${CONTENT.length - 1}`])
})
