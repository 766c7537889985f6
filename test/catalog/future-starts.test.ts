import { expect, test } from 'vitest'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { handClock } from '../support/hand-clock.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

test('a run that began in the far future, by the clock of its daemon, is the last of its job until the next', async () => {
  const clock = handClock('2026-11-23T10:00:00Z')
  const { records } = await tempCatalog(clock)
  const future = { rid: ridOf(1), start: '2099-01-01T00:00:00.000Z', end: '2099-01-01T00:01:00.000Z' }
  await records.apply([sampleRecord({ ...future, state: 'success' })])
  const { jobId } = sampleRecord()
  const findLast = async () => (await records.lastOfJobs([jobId])).get(jobId)?.rid
  expect(await findLast()).toBe(ridOf(1))
  clock.move(60_000)
  const next = { rid: ridOf(2), start: '2026-11-23T10:00:30.000Z', end: '2026-11-23T10:00:40.000Z' }
  await records.apply([sampleRecord({ ...next, state: 'failed' })])
  expect(await findLast()).toBe(ridOf(2))
  expect((await records.lastEnds([jobId])).get(jobId)).toMatchObject({ rid: ridOf(2), state: 'failed' })
  const { items } = await records.find({}, { first: 10 })
  expect(items.map(({ node }) => [node.rid, node.start])).toEqual([
    [ridOf(2), next.start],
    [ridOf(1), future.start],
  ])
})
