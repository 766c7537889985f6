import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printLabels } from '../../src/metrics/label-text.ts'
import { type MetricFamily, makeCounts, makeGauge, printGauges } from '../../src/metrics/metric-family.ts'
import { printPage } from '../../src/metrics/metrics-page.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { readMetrics } from '../support/metrics-page.ts'

async function print(...families: MetricFamily[]): Promise<string> {
  return (await Array.fromAsync(printGauges(families))).join('')
}

test('a family has its help, its type and its samples', async () => {
  const counts = makeCounts({ name: 'runs', help: 'Runs by state.' }, 'state', [
    ['queued', 1],
    ['running', 2.5],
  ])
  expect(await print(counts, makeGauge('ready', 'Whether it is ready.', 1))).toBe(
    [
      '# HELP runs Runs by state.',
      '# TYPE runs gauge',
      'runs{state="queued"} 1',
      'runs{state="running"} 2.5',
      '# HELP ready Whether it is ready.',
      '# TYPE ready gauge',
      'ready 1',
      '',
    ].join('\n'),
  )
})

test('a value that is not known has no sample', async () => {
  expect(readMetrics(await print(makeGauge('free', 'Free bytes.', null)))).toEqual([])
})

test.each([
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('%s is printed as Prometheus reads it', async (value, printed) => {
  expect(await print(makeGauge('x', 'X.', value))).toContain(`\nx ${printed}\n`)
})

const HOSTILE = [
  'a"} 1\nfake 1',
  'back\\slash',
  '\u0000\u001b[2J',
  '\ud800',
  'ünï \u{1f4be}',
  'x'.repeat(5000),
]

test.each(HOSTILE)('the name %j stays within one line', async (app) => {
  const [sample, ...others] = readMetrics(
    await print(makeCounts({ name: 'm', help: 'M.' }, 'app', [[app, 7]])),
  )
  expect(others).toEqual([])
  expect(sample).toMatchObject({ name: 'm', value: 7 })
  expect(sample?.labels.app?.length).toBeLessThan(150)
})

test('any name is a label, and different names are different labels', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 })
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [first, second] = [one, other].map((app) => printLabels({ app }))
      expect(readMetrics(`m{${first}} 1`)).toHaveLength(1)
      expect(first === second).toBe(one === other)
    }),
  )
})

test('plain names are printed as they are', () => {
  expect(printLabels({ app: 'shop', volume: '/data/db' })).toBe('app="shop",volume="/data/db"')
  expect(printLabels({ volume: 'C:\\data' })).toBe('volume="C:\\\\data"')
})

test('other work gets its turn while a page is printed', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const slow: MetricFamily = {
    name: 'slow',
    help: 'Slow.',
    *samples() {
      for (let n = 0; n < 40; n++) {
        const until = performance.now() + 3
        while (performance.now() < until);
        yield [printLabels({ n: String(n) }), n]
      }
    },
  }
  await print(slow)
  clearInterval(timer)
  expect(turns).toBeGreaterThanOrEqual(5)
})

test('a large page comes in pieces', async () => {
  const counts = Array.from({ length: 10_000 }, (_, n): [string, number] => [`/data/${n}`, n])
  const pieces = await Array.fromAsync(printGauges([makeCounts({ name: 'm', help: 'M.' }, 'volume', counts)]))
  expect(pieces.length).toBeGreaterThan(2)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(70_000)
  expect(readMetrics(pieces.join(''))).toHaveLength(10_000)
})

test('an error breaks the page off and is logged', async () => {
  const log = keepingLog()
  const broken: MetricFamily = {
    name: 'broken',
    help: 'Broken.',
    samples() {
      throw new Error('no such volume')
    },
  }
  const page = printPage({ sources: [], families: [broken], log })
  await expect(Array.fromAsync(page)).rejects.toThrow('no such volume')
  expect(log.lines.join()).toContain('The page /metrics was broken off: no such volume')
})
