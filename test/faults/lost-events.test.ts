import { expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { socketClient, startTestController, testFolder } from '../support/real-controller.ts'
import { silentLog } from '../support/silent-log.ts'

const WATCH = 'subscription ($since: Int) { recordUpdated(since: $since) { seq } }'

/** A catalog whose first event is older than what is kept. */
async function prunedCatalog(folder: string): Promise<void> {
  const clock = { ...systemClock, ms: Date.parse('2026-01-01T00:00:00Z'), now: () => clock.ms }
  const dataDir = `${folder}/controller`
  const catalog = await openCatalog({ dataDir, copyDir: `${folder}/copies`, log: silentLog, clock })
  await catalog.records.apply([sampleRecord()])
  clock.ms += 8 * 86_400_000
  await catalog.records.apply(Array.from({ length: 1100 }, (_, n) => sampleRecord({ rid: ridOf(n + 10) })))
  await catalog.records.apply([sampleRecord({ rid: ridOf(9000) })])
  await expect.poll(async () => (await catalog.records.keptEvents()).after).toBeGreaterThan(0)
  await catalog.close()
}

test('a subscriber that was away too long is told so instead of missing events', async () => {
  const folder = await testFolder()
  await prunedCatalog(folder)
  const { url } = await startTestController({ folder })
  const client = socketClient(url)
  const answerTo = async (since: number) =>
    (await client.iterate<{ recordUpdated: { seq: number } }>({ query: WATCH, variables: { since } }).next())
      .value
  const gone = { code: 'EVENTS_GONE', action: expect.stringContaining('Subscribe again') }
  expect((await answerTo(0)).errors).toMatchObject([
    { extensions: { ...gone, facts: { since: 0, oldest: 2 } } },
  ])
  expect((await answerTo(999_999)).errors).toMatchObject([{ extensions: gone }])
  expect((await answerTo(1)).data.recordUpdated.seq).toBe(2)
  await client.dispose()
})
