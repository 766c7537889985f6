import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { Bucket } from '../../../../src/objects/drivers/s3/bucket.ts'
import { RangeFetch } from '../../../../src/objects/drivers/s3/range-fetch.ts'
import { listen } from '../../../support/listen.ts'
import { startS3Model } from '../../../support/s3-model.ts'

const CONTENT = Buffer.from('content')

/** A store that does not keep the condition of a read: it answers whatever object there is. */
async function startCarelessServer(found: { etag: string; size: number }): Promise<string> {
  const server = createServer((_request, response) => {
    const range = `bytes 0-${CONTENT.length - 1}/${found.size}`
    response.writeHead(206, { etag: found.etag, 'content-range': range, 'content-length': CONTENT.length })
    response.end(CONTENT)
  })
  return await listen(server)
}

/** A server that sends all bytes of an answer without a length, and breaks the connection before its end. */
async function startBreakingServer(): Promise<{ endpoint: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers.range}`)
    response.writeHead(206, { etag: '"1"' })
    response.write(CONTENT, () => setImmediate(() => response.destroy()))
  })
  return { endpoint: await listen(server), requests }
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

test.each([
  ['another etag', { etag: '"2"', size: CONTENT.length }, 'somebody else replaced it meanwhile'],
  ['another size', { etag: '"1"', size: CONTENT.length + 1 }, 'it has 8 bytes, expected 7'],
])(
  'bytes of an object with %s are never mixed with those of the one that was opened',
  async (_what, found, why) => {
    const { settings } = await startS3Model()
    const bucket = new Bucket({ ...settings, endpoint: await startCarelessServer(found) })
    const { signal } = new AbortController()
    const opened = { bucket, name: 'object', size: CONTENT.length, etag: '"1"', signal }
    const fetch = new RangeFetch(opened, { from: 0, end: CONTENT.length })
    await expect(fetch.bytes()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(why),
    })
  },
)

test('an object of which nothing was known is the one of the first answer', async () => {
  const { settings } = await startS3Model()
  const found = { etag: '"1"', size: CONTENT.length }
  const bucket = new Bucket({ ...settings, endpoint: await startCarelessServer(found) })
  const { signal } = new AbortController()
  const opened = { bucket, name: 'object', size: undefined, etag: undefined, signal }
  expect(await new RangeFetch(opened, { from: 0, end: 100 }).bytes()).toEqual(CONTENT)
  expect(opened).toMatchObject(found)
})
