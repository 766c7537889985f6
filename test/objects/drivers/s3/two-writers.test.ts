import { describe, expect, test } from 'vitest'
import { Bucket } from '../../../../src/objects/drivers/s3/bucket.ts'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { startFaultProxy } from '../../../support/fault-proxy.ts'
import { type S3Model, startS3Model } from '../../../support/s3-model.ts'

// On a model, in which another machine can write between any two requests.

type Stored = ReturnType<S3Model['objects']['get']> & {}

const THEIRS: Stored = {
  content: Buffer.from('theirs'),
  etag: '"theirs"',
  modified: new Date(),
  metadata: { 'backupd-writer': 'another' },
  asked: {},
}

/** Replaces what is stored at `name`, right after it was stored. */
function whenStored({ objects }: S3Model, name: string, change: (stored: Stored) => Stored) {
  const set = objects.set.bind(objects)
  objects.set = (key, stored) => set(key, key === name ? change(stored) : stored)
}

const SIZES = [
  ['small', 10],
  ['large', 9 * 1024 * 1024],
] as const

async function writing(model: S3Model, size: number) {
  const writer = await s3Driver(model.settings).create('object')
  await writer.write(Buffer.alloc(size, 'x'))
  return writer
}

describe.each(SIZES)('a %s object', (_size, size) => {
  test.each([false, true])(
    'does not replace that of another machine (conditions ignored: %s)',
    async (ignoresConditions) => {
      const model = await startS3Model({ ignoresConditions })
      const writer = await writing(model, size)
      model.objects.set('object', THEIRS)
      await expect(writer.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(model.objects.get('object')).toBe(THEIRS)
    },
  )

  test('that another machine replaced at once is not taken for the own one', async () => {
    const model = await startS3Model({ ignoresConditions: true })
    const writer = await writing(model, size)
    whenStored(model, 'object', () => THEIRS)
    await expect(writer.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

test.each([
  ['small', 10, true],
  ['large', 9 * 1024 * 1024, true],
  ['large', 9 * 1024 * 1024, false],
])(
  'a %s object that the store cut short is not published (%i bytes, conditions ignored: %s)',
  async (_size, size, ignoresConditions) => {
    const model = await startS3Model({ ignoresConditions })
    const writer = await writing(model, size)
    whenStored(model, 'object', (stored) => ({ ...stored, content: stored.content.subarray(1) }))
    await expect(writer.commit()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(`has ${size - 1} bytes`),
    })
  },
)

test('a store that does not answer whether it keeps conditions is asked again', async () => {
  const model = await startS3Model()
  const proxy = await startFaultProxy(model.settings.endpoint ?? '')
  const driver = s3Driver({ ...model.settings, endpoint: proxy.endpoint })
  const writer = await driver.createIn('tmp')
  proxy.fail(/^PUT .*conditional-writes/, 503)
  await expect(writer.commit('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await writer.commit('a')
  // One that keeps them is not asked whether the object exists.
  expect(model.requests.filter((request) => request.endsWith(' a'))).toEqual(['PUT a'])
  proxy.assertAllHit()
})

test('only a missing object is missing: not a missing bucket, nor a store that fails or refuses', async () => {
  const { settings, objects } = await startS3Model()
  objects.set('object', THEIRS)
  const proxy = await startFaultProxy(settings.endpoint ?? '')
  const bucket = new Bucket({ ...settings, endpoint: proxy.endpoint })
  expect(await bucket.readWhole('none')).toBeUndefined()
  const gone = new Bucket({ ...settings, bucket: 'gone' })
  const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' }
  await expect(gone.readWhole('object')).rejects.toMatchObject(UNAVAILABLE)
  await expect(gone.remove('object')).rejects.toMatchObject(UNAVAILABLE)
  await expect(gone.uploads.abort({ name: 'object', id: '1' })).rejects.toMatchObject(UNAVAILABLE)
  for (const status of [403, 500, 503]) {
    proxy.fail(/object/, status, 3)
    await expect(bucket.readWhole('object')).rejects.toMatchObject(UNAVAILABLE)
    await expect(bucket.head('object')).rejects.toMatchObject(UNAVAILABLE)
    await expect(bucket.remove('object')).rejects.toMatchObject(UNAVAILABLE)
  }
  await bucket.uploads.abort({ name: 'object', id: 'ended before' })
  expect(objects.get('object')).toBe(THEIRS)
})
