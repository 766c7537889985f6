import { describe, expect, test } from 'vitest'
import { judgeRun } from '../../../../src/store/kinds/unusual/judge-run.ts'
import {
  MAX_RUNS,
  NO_HISTORY,
  parseHistory,
  printHistory,
  type RunHistory,
  type RunNumbers,
} from '../../../../src/store/kinds/unusual/run-history.ts'

const GIB = 1024 ** 3
const TODAY = 20_000
const USUAL: RunNumbers = { bytes: 10 * GIB, files: 200, changed: 0.02 }

/** What the next run is compared with after these runs, one a day. */
function historyOf(runs: readonly RunNumbers[], from = NO_HISTORY): RunHistory {
  return runs.reduce(
    (history, run, n) => judgeRun(run, parseHistory(printHistory(history)), TODAY - runs.length + n).history,
    from,
  )
}

const steady = (count: number, change: Partial<RunNumbers> = {}) =>
  Array.from({ length: count }, (_, n) => ({
    ...USUAL,
    bytes: Math.round(USUAL.bytes * (1 + n / 1000)),
    ...change,
  }))

const judge = (change: Partial<RunNumbers>, history = historyOf(steady(20))) =>
  judgeRun({ ...USUAL, ...change }, history, TODAY).reasons

describe('a run is unusual', () => {
  test.each<[string, Partial<RunNumbers>, string]>([
    [
      'if it is 90 % smaller',
      { bytes: GIB },
      'its content is 90 % smaller: 1.0 GiB, and 10.1 GiB in the middle of the 20 runs before',
    ],
    [
      'if most files are gone',
      { files: 10, changed: 0.95 },
      'it has 95 % fewer files: 10, and 200 in the middle of the 20 runs before',
    ],
    [
      'if it is far larger',
      { bytes: 500 * GIB },
      'its content is 50 times as large: 500.0 GiB, and 10.1 GiB in the middle of the 20 runs before',
    ],
    [
      'if nearly all files have other content',
      { changed: 0.95 },
      '95 % of the 200 files have other content or are gone since the run before, in the 20 runs before at most 2 %',
    ],
  ])('%s', (_, change, because) => {
    expect(judge(change)).toContain(because)
  })

  test('after ten runs, and not before', () => {
    expect(judge({ changed: 1, bytes: GIB }, historyOf(steady(9)))).toEqual([])
    expect(judge({ changed: 1, bytes: GIB }, historyOf(steady(10)))).toHaveLength(2)
  })

  test('also if an older version, which did not compare files, made the runs before', () => {
    const history = historyOf(steady(20, { changed: null }))
    expect(judge({ changed: 1 }, history)).toEqual([])
    expect(judge({ changed: 1, bytes: GIB }, history)).toHaveLength(1)
  })

  test('again after twenty usual runs', () => {
    const first = historyOf([...steady(20), { ...USUAL, changed: 1 }])
    expect(judge({ changed: 1 }, first)).toEqual([])
    expect(judge({ changed: 1 }, historyOf(steady(20), first))).toHaveLength(1)
  })
})

describe('a run is not unusual', () => {
  test.each<[string, Partial<RunNumbers>]>([
    ['if it is half as large', { bytes: 5 * GIB }],
    ['if it is five times as large', { bytes: 50 * GIB }],
    ['if half of the files changed', { changed: 0.5 }],
  ])('%s', (_, change) => {
    expect(judge(change)).toEqual([])
  })

  test('if the volume is small, whatever happens in it', () => {
    const small = steady(20).map((run) => ({ ...run, bytes: 900_000, files: 15 }))
    expect(judge({ bytes: 10, files: 1, changed: 1 }, historyOf(small))).toEqual([])
  })

  test('if every run rewrites all files', () => {
    expect(judge({ changed: 1 }, historyOf(steady(20, { changed: 1 })))).toEqual([])
  })

  test('if it is as the one before it, which was unusual', () => {
    expect(judge({ bytes: GIB }, historyOf([...steady(20), { ...USUAL, bytes: GIB }]))).toEqual([])
  })

  test('if the volume does that once a night, between hourly runs, after two nights', () => {
    const night = [...steady(23), { ...USUAL, changed: 1 }]
    const alarms = Array.from({ length: 30 }, (_, n) => n).map((nights) => {
      const history = Array.from({ length: nights }).reduce<RunHistory>(
        (before) => night.reduce((known, run) => judgeRun(run, known, TODAY).history, before),
        historyOf(steady(20)),
      )
      return judge({ changed: 1 }, historyOf(steady(23), history)).length
    })
    expect(alarms.slice(0, 4)).toEqual([1, 1, 0, 0])
    expect(alarms.reduce((sum, count) => sum + count, 0)).toBe(2)
  })
})

describe('the numbers of the runs', () => {
  test('are kept of the last twenty', () => {
    expect(historyOf(steady(30)).runs).toHaveLength(MAX_RUNS)
  })

  test('are left out where they are unreadable', () => {
    const text = '100 2 15,x 2 3,100 2,-1 2 3,7 8 -,1e9 2 3|changed 20000,sideways 3,smaller x'
    expect(parseHistory(text)).toEqual({
      runs: [
        { bytes: 100, files: 2, changed: 0.015 },
        { bytes: 7, files: 8, changed: null },
      ],
      deviations: [{ deviation: 'changed', day: 20_000 }],
    })
    expect(parseHistory('')).toEqual(NO_HISTORY)
  })

  test('take little room', () => {
    expect(printHistory(historyOf(steady(40))).length).toBeLessThan(700)
  })
})
