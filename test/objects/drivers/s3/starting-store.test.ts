import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { openDriver } from '../../../../src/objects/drivers/open-driver.ts'
import type { S3Settings } from '../../../../src/wire/store-settings.ts'
import { listen } from '../../../support/listen.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const NO_BUCKET = '<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>'
const NO_OBJECTS =
  '<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'

/** A store that does not know its bucket for the next `unknown` requests, and what it was asked. */
async function startForgetfulStore(unknown: { times: number }) {
  const { settings } = await startS3Model()
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.method ?? '')
    request.resume().on('end', () => {
      if (unknown.times-- > 0) response.writeHead(404).end(NO_BUCKET)
      else if (request.method === 'GET') response.end(NO_OBJECTS)
      else response.writeHead(200, { etag: '"1"' }).end()
    })
  })
  return { settings: { ...settings, endpoint: await listen(server) }, requests }
}

function open(settings: S3Settings) {
  return openDriver(settings, { dataDir: tempDir(), clock: systemClock })
}

test('a store that starts again, and does not know its bucket yet, delays a write and fails none', async () => {
  const unknown = { times: 0 }
  const { settings, requests } = await startForgetfulStore(unknown)
  const driver = open(settings)
  await driver.replace('ns/a', Buffer.from('before'))
  unknown.times = 2
  await driver.replace('ns/b', Buffer.from('after'))
  expect(requests).toEqual(['PUT', 'PUT', 'PUT', 'PUT'])
})

test('a bucket that was never there is named at once', async () => {
  const { settings, requests } = await startForgetfulStore({ times: 1 })
  await expect(open(settings).replace('ns/a', Buffer.from('content'))).rejects.toThrow(
    'the bucket does not exist',
  )
  expect(requests).toEqual(['PUT'])
})
