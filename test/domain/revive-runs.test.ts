import { expect, test } from 'vitest'
import { acceptNews, admitNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { SILENT_AFTER_MS } from '../../src/domain/lost-records.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import type { News } from '../../src/wire/daemon-api.ts'
import { NEWS_BATCH } from '../../src/wire/news-head.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const [IP, OTHER] = ['10.0.0.1', '10.0.0.2'] as const
/** Far more than any room. */
const FLOOD = { server: OTHER, rids: [], records: 1_000_000 }

/** A controller that knows of no run, and a daemon that has many. */
async function unknownRuns(count: number) {
  const stored: number[] = []
  const app = given.app('hello').proc('web').on(IP, OTHER).volume('/data/db')
  const kit = await app.inMemory({
    wrapRecords: (records) => ({
      ...records,
      apply(news) {
        stored.push(news.length)
        return records.apply(news)
      },
    }),
  })
  const runs = Array.from({ length: count }, (_, n) => sampleRecord({ rid: ridOf(n + 1), jobId: '' }))
  const rids = runs.map(({ rid }) => rid)
  const daemon = kit.daemons.at(IP)
  daemon.records = new Map(runs.map((run) => [run.rid, run]))
  daemon.debug.running = rids
  const asked = () => daemon.asked.filter((question) => question === 'record').length
  const poll = async () => {
    kit.clock.move(POLL_EVERY_MS)
    pollDue(kit.world)
    await kit.world.background.settled()
  }
  const post = async (records: RunRecord[], running = rids) => {
    using _place = admitNews(kit.world, headOf(records, running), { from: IP })
    const news: News = { protocol: 2, daemonId: 'x', server: IP, records, running }
    await acceptNews(kit.world, news, { from: IP })
    await kit.world.background.settled()
  }
  const known = async () => (await kit.catalog.records.unfinished(IP)).length
  return { ...kit, daemon, runs, rids, asked, poll, post, known, stored }
}

function headOf(records: RunRecord[], running: string[] = []) {
  return { server: IP, rids: [...records.map(({ rid }) => rid), ...running], records: records.length }
}

test('a poll asks about no runs while there is no room for news', async () => {
  const kit = await unknownRuns(100)
  {
    using _place = admitNews(kit.world, FLOOD, { from: OTHER })
    await kit.poll()
    expect(kit.asked()).toBe(0)
  }
  await kit.poll()
  expect(await kit.known()).toBeGreaterThan(0)
})

test('a daemon whose news was refused is asked about no runs until its news is taken', async () => {
  const kit = await unknownRuns(3)
  {
    using _place = admitNews(kit.world, FLOOD, { from: OTHER })
    expect(() => admitNews(kit.world, headOf(kit.runs), { from: IP })).toThrow('1000000 records wait')
  }
  await kit.poll()
  expect(kit.asked()).toBe(0)
  await kit.post([])
  expect(await kit.known()).toBe(3)
})

test('runs that a daemon will tell of with its next post are not asked for', async () => {
  const count = NEWS_BATCH.records + 50
  const kit = await unknownRuns(count)
  await kit.post(kit.runs.slice(0, NEWS_BATCH.records))
  await kit.poll()
  await kit.post(kit.runs.slice(NEWS_BATCH.records))
  expect(kit.asked()).toBe(0)
  expect(await kit.known()).toBe(count)
})

test('a daemon that fell silent after it was refused counts as one without news after a while', async () => {
  const kit = await unknownRuns(3)
  {
    using _place = admitNews(kit.world, FLOOD, { from: OTHER })
    expect(() => admitNews(kit.world, headOf(kit.runs), { from: IP })).toThrow()
  }
  for (let poll = 0; poll < 3; poll++) await kit.poll()
  expect(await kit.known()).toBe(3)
})

test('after each report a few unknown runs are asked for, and stored together', async () => {
  const kit = await unknownRuns(100)
  let before = 0
  for (let poll = 0; poll < 10; poll++) {
    await kit.poll()
    expect(kit.asked() - before).toBeLessThanOrEqual(10)
    before = kit.asked()
  }
  expect(kit.stored).toEqual(Array.from({ length: 10 }, () => 10))
  expect(await kit.known()).toBe(100)
})

test('runs that ended, but are reported as running, do not keep others from being asked for', async () => {
  const kit = await unknownRuns(60)
  const over = kit.runs
    .slice(0, 50)
    .map((run) => ({ ...run, seq: 5, state: 'success' as const, end: run.start }))
  await kit.catalog.records.apply(over)
  await kit.poll()
  expect(kit.asked()).toBe(10)
  expect(await kit.known()).toBe(10)
})

test('silent runs of a daemon whose news was refused are not asked for', async () => {
  const kit = await unknownRuns(3)
  await kit.post(kit.runs)
  kit.daemon.debug.running = []
  kit.clock.move(SILENT_AFTER_MS)
  {
    using _place = admitNews(kit.world, FLOOD, { from: OTHER })
    expect(() => admitNews(kit.world, headOf([]), { from: IP })).toThrow()
  }
  kit.clock.move(1)
  tick(kit.world)
  await kit.world.background.settled()
  expect(kit.asked()).toBe(0)
})

test('what a daemon says of silent runs is stored together, and only if there is room', async () => {
  const kit = await unknownRuns(30)
  await kit.post(kit.runs)
  kit.daemon.debug.running = []
  for (const { rid } of kit.runs.slice(0, 10)) kit.daemon.records.delete(rid)
  for (const run of kit.runs.slice(10))
    kit.daemon.records.set(run.rid, { ...run, seq: 9, state: 'success', end: run.start })
  kit.stored.length = 0
  kit.clock.move(SILENT_AFTER_MS + 1)
  {
    using _place = admitNews(kit.world, FLOOD, { from: OTHER })
    tick(kit.world)
    await kit.world.background.settled()
    expect(kit.stored).toEqual([10])
  }
  kit.clock.move(SILENT_AFTER_MS + 1)
  tick(kit.world)
  await kit.world.background.settled()
  expect(kit.stored).toEqual([10, 20])
  expect(await kit.known()).toBe(0)
})
