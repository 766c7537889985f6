import { expect, test } from 'vitest'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { Bucket } from '../../../../src/objects/drivers/s3/bucket.ts'
import { RequestLimit } from '../../../../src/objects/drivers/s3/request-limit.ts'
import { startFaultProxy } from '../../../support/fault-proxy.ts'
import { startS3Model } from '../../../support/s3-model.ts'

const BUSY = new BackupdError('STORE_UNAVAILABLE', 'the store is busy', { facts: { isBusy: true } })
const BROKEN = new BackupdError('STORE_UNAVAILABLE', 'an internal error', { facts: { transient: true } })

/** Requests that a test answers one by one; they begin as the limit lets them. */
function requestsUnder(limit: RequestLimit) {
  const begun: PromiseWithResolvers<void>[] = []
  return {
    begun,
    ask(count: number): void {
      for (let n = 0; n < count; n++) {
        const asked = limit.during(() => {
          const answer = Promise.withResolvers<void>()
          begun.push(answer)
          return answer.promise
        })
        asked.catch(() => {})
      }
    },
    /** Answers all that are under way, and lets those that wait begin. */
    async answerAll(error?: BackupdError): Promise<number> {
      const answered = begun.splice(0)
      for (const { resolve, reject } of answered) error ? reject(error) : resolve()
      await new Promise(setImmediate)
      return answered.length
    },
  }
}

test('a busy store gets half as many requests at once, and slowly more again', async () => {
  const limit = new RequestLimit(8)
  const { begun, ask, answerAll } = requestsUnder(limit)
  ask(100)
  expect(begun).toHaveLength(8)
  expect(await answerAll(BUSY)).toBe(8)
  // The eight of one burst count once.
  expect(limit.limit).toBe(4)
  expect(await answerAll()).toBe(4)
  expect(limit.limit).toBe(5)
  expect(await answerAll()).toBe(5)
  expect(await answerAll(BUSY)).toBe(6)
  expect(await answerAll(BUSY)).toBe(3)
  expect(await answerAll(BUSY)).toBe(1)
  expect(limit.limit).toBe(1)
  for (let n = 0; n < 100; n++) await answerAll()
  expect(limit.limit).toBeGreaterThan(5)
  ask(100)
  for (let n = 0; n < 20; n++) await answerAll()
  expect(limit.limit).toBe(8)
})

test('other errors do not slow a run down', async () => {
  const limit = new RequestLimit(8)
  const { ask, answerAll } = requestsUnder(limit)
  ask(16)
  await answerAll(BROKEN)
  expect(limit.limit).toBe(8)
  expect(await answerAll()).toBe(8)
})

test('the answer SlowDown of a server counts as busy', async () => {
  const { settings } = await startS3Model()
  const proxy = await startFaultProxy(settings.endpoint ?? '')
  const bucket = new Bucket({ ...settings, endpoint: proxy.endpoint })
  proxy.fail(/PUT .*\/object/, 503)
  const put = () => bucket.put('object', Buffer.from('x'), { writer: 'w' })
  await expect(put()).rejects.toMatchObject({ facts: { transient: true, isBusy: true } })
  await put()
  proxy.assertAllHit()
})
