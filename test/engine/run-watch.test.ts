import { expect, test } from 'vitest'
import { testPlugin } from '../../src/engine/plugins/test/plugin.ts'
import { makeRun, type Run } from '../../src/engine/run.ts'
import { HUNG_AFTER_MS, MAX_HUNG, RunWatch, YIELD_AFTER_MS } from '../../src/engine/run-watch.ts'
import { Problems } from '../../src/lib/problems.ts'
import { newRid } from '../../src/wire/ids.ts'
import { jobSchema } from '../../src/wire/job.ts'
import { WAIT_FOR_STORE } from '../../src/wire/record.ts'
import { keptLog } from '../support/daemon-kit.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { handClock } from '../support/hand-clock.ts'
import { runSettings } from '../support/run-settings.ts'

async function watchWorld() {
  const clock = handClock()
  const problems = new Problems(clock)
  const log = keptLog()
  const limits: string[] = []
  const yields: string[] = []
  const watch = new RunWatch({
    clock,
    log,
    problems,
    onLimit: ({ rid }) => void limits.push(rid),
    onYield: ({ rid }) => void yields.push(rid),
  })
  const options = { clock, settings: await runSettings(), memory: new MemoryWithoutDisk(), jobs: () => [] }
  const begin = (timeLimitSeconds?: number): Run => {
    const job = jobSchema.parse({
      id: 'j',
      spec: '@daily',
      action: 'test',
      args: {},
      options: { timeLimitSeconds },
    })
    const request = { plugin: testPlugin, args: {}, job, type: 'cron', rid: newRid(clock.now()) } as const
    const run = makeRun(request, options, { begin() {}, pause() {} })
    run.record.begin()
    watch.begin(run)
    return run
  }
  const progress = (run: Run, change: Parameters<RunWatch['progressed']>[1]) => {
    watch.progressed(run, change)
    run.record.progressed(change)
  }
  const pass = (ms: number) => {
    clock.move(ms)
    watch.check()
  }
  return { clock, watch, problems, log, limits, yields, begin, progress, pass }
}

const BELOW_MS = HUNG_AFTER_MS - 1

test.each([{ phase: 'pack' }, { bytesDone: 1 }, { filesDone: 1 }])('$0 is progress', async (change) => {
  const { problems, begin, progress, pass } = await watchWorld()
  const run = begin()
  pass(BELOW_MS)
  progress(run, change)
  pass(BELOW_MS)
  expect(problems.list()).toEqual([])
  progress(run, change)
  pass(1)
  expect(problems.list()).toMatchObject([{ source: 'hung', text: expect.stringContaining(run.rid) }])
})

test('the time until a progress does not count, also if nobody looked meanwhile', async () => {
  const { clock, problems, begin, progress, pass } = await watchWorld()
  const run = begin()
  clock.move(BELOW_MS)
  progress(run, { bytesDone: 1 })
  pass(BELOW_MS)
  expect(problems.list()).toEqual([])
  pass(1)
  expect(problems.list()).toHaveLength(1)
})

test('a run without progress is reported once, until it continues', async () => {
  const { problems, log, begin, progress, pass } = await watchWorld()
  const run = begin()
  progress(run, { phase: 'pack', currentPath: 'a/b' })
  pass(HUNG_AFTER_MS)
  pass(HUNG_AFTER_MS)
  expect(problems.list()).toMatchObject([
    { text: expect.stringContaining('no progress for 60 s (pack, at "a/b")') },
  ])
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  progress(run, { bytesDone: 5 })
  expect(problems.list()).toEqual([])
})

test('a run that waits for its store does not hang, and makes no progress', async () => {
  const { watch, problems, yields, begin, progress, pass } = await watchWorld()
  const run = begin()
  progress(run, { phase: 'pack' })
  pass(BELOW_MS)
  progress(run, { phase: WAIT_FOR_STORE })
  pass(10 * HUNG_AFTER_MS)
  expect(watch.isHung(run)).toBe(false)
  expect(yields).toEqual([])
  progress(run, { phase: 'pack' })
  pass(1)
  expect(problems.list()).toMatchObject([{ source: 'hung' }])
})

test('a store that does not answer is a problem only while a run waits for it', async () => {
  const { problems, log, begin, progress, pass } = await watchWorld()
  const run = begin()
  progress(run, { phase: WAIT_FOR_STORE })
  pass(BELOW_MS)
  expect(problems.list()).toEqual([])
  pass(HUNG_AFTER_MS)
  pass(HUNG_AFTER_MS)
  expect(problems.list()).toMatchObject([
    {
      source: 'store-wait',
      text: expect.stringMatching(/waited for its store for 60 s: check whether the store answers/),
    },
  ])
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  progress(run, { phase: 'pack' })
  expect(problems.list()).toEqual([])
})

test('a lane is given up after ten minutes, by at most sixteen runs', async () => {
  const { watch, yields, begin, pass } = await watchWorld()
  const runs = Array.from({ length: MAX_HUNG + 2 }, () => begin())
  pass(YIELD_AFTER_MS - 1)
  expect(yields).toEqual([])
  pass(1)
  expect(yields).toHaveLength(MAX_HUNG)
  const [first] = runs
  if (first) watch.end(first)
  pass(1)
  expect(yields).toHaveLength(MAX_HUNG + 1)
})

test('a killed process that still exists counts among the sixteen', async () => {
  const { watch, yields, begin, pass } = await watchWorld()
  const { promise, resolve } = Promise.withResolvers<void>()
  const held = Array.from({ length: MAX_HUNG }, () => watch.holdStuck(promise))
  begin()
  pass(YIELD_AFTER_MS)
  expect(yields).toEqual([])
  resolve()
  await Promise.all(held)
  pass(1)
  expect(yields).toHaveLength(1)
})

test('the time limit of a job counts from its start, with or without progress', async () => {
  const { limits, begin, progress, pass } = await watchWorld()
  const run = begin(90)
  begin()
  pass(89_999)
  progress(run, { bytesDone: 1 })
  expect(limits).toEqual([])
  pass(1)
  expect(limits).toEqual([run.rid])
})
