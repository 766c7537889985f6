import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { handClock } from '../../../support/hand-clock.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const NAMESPACE = '10.0.0.1'
const MINUTE_MS = 60_000
const FREE = { trashBytes: null, isEnforced: false }

function countingOptions() {
  const clock = handClock()
  return { namespace: NAMESPACE, clock, file: join(tempDir(), 'store-usage.json') }
}

describeSwift('a store on a real Swift with --store-quota', (place) => {
  test('has the room that the objects of its namespace leave', async () => {
    const counting = countingOptions()
    const driver = s3Driver({ ...place.settings, quotaBytes: 1000 }, counting)
    await driver.replace(`${NAMESPACE}/a b+ü`, Buffer.alloc(100))
    await driver.replace(`${NAMESPACE}/repo/data/00/pack`, Buffer.alloc(300))
    await driver.replace('10.0.0.11/other', Buffer.alloc(5000))
    const quota = { usedBytes: 400, limitBytes: 1000 }
    const before = { ...FREE, freeBytes: 600, totalBytes: 1000, quota, problems: [] }
    expect(await driver.space?.()).toEqual(before)
    await driver.replace(`${NAMESPACE}/more`, Buffer.alloc(550))
    expect(await driver.space?.()).toEqual(before)
    counting.clock.move(15 * MINUTE_MS)
    expect(await driver.space?.()).toMatchObject({
      freeBytes: 50,
      problems: [expect.stringMatching(/--store-quota.* 950 bytes of 1000 bytes are used/)],
    })
  })
})

test('without a quota, the room is not known', async () => {
  const { settings } = await startS3Model()
  expect(s3Driver(settings, countingOptions()).space).toBeUndefined()
})

test('a count that takes long goes on with the next question, and again after a start', async () => {
  const model = await startS3Model()
  model.pageSize = 2
  const counting = countingOptions()
  const settings = { ...model.settings, quotaBytes: 100 }
  for (let n = 0; n < 5; n++) await s3Driver(settings).replace(`${NAMESPACE}/${n}`, Buffer.alloc(n))
  // Each look at the clock takes longer than a whole count may.
  const elapsed = () => {
    counting.clock.move(5000)
    return counting.clock.elapsed()
  }
  const slow = { ...counting.clock, elapsed }
  const ask = () => s3Driver(settings, { ...counting, clock: slow }).space?.()
  expect(await ask()).toBeUndefined()
  expect(await ask()).toBeUndefined()
  expect(await ask()).toMatchObject({ freeBytes: 90 })
  const lists = model.requests.filter((line) => line === 'GET ')
  expect(lists).toHaveLength(3)
})

test('a count that cannot be written down is an answer all the same', async () => {
  const { settings } = await startS3Model()
  const file = join(tempDir(), 'missing', 'store-usage.json')
  const driver = s3Driver({ ...settings, quotaBytes: 100 }, { ...countingOptions(), file })
  await driver.replace(`${NAMESPACE}/a`, Buffer.alloc(10))
  expect(await driver.space?.()).toMatchObject({ freeBytes: 90 })
})

test('a usage file that is damaged, or of another store, counts as missing', async () => {
  const { settings } = await startS3Model()
  const counting = countingOptions()
  const ask = (prefix: string) => s3Driver({ ...settings, prefix, quotaBytes: 100 }, counting).space?.()
  await s3Driver(settings).replace(`${NAMESPACE}/a`, Buffer.alloc(10))
  expect(await ask('')).toMatchObject({ freeBytes: 90 })
  expect(await ask('elsewhere')).toMatchObject({ freeBytes: 100 })
  writeFileSync(counting.file, '{"usedBytes": -1')
  expect(await ask('')).toMatchObject({ freeBytes: 90 })
})
