import { expect, test } from 'vitest'
import { carrySleep, MAX_SLEEP_MARK_AGE_MS } from '../../src/engine/sleep-marks.ts'
import { type Job, jobSchema } from '../../src/wire/job.ts'

const NOW = Date.UTC(2026, 10, 23, 12)

function jobOf(id: string, args: Record<string, unknown> = {}): Job {
  const of = { app: 'shop', proc: 'shop.web.web', instanceNo: 1, volume: '/data/db', mode: 'full' }
  return jobSchema.parse({ id, spec: '0 5 * * *', action: 'backup', args: { ...of, ...args } })
}

test('a mark is passed to one job of the same volume and mode', () => {
  const carrier = carrySleep([], [jobOf('old')], NOW)
  for (const args of [{ volume: '/data/x' }, { mode: 'increment' }, { instanceNo: 2 }, { app: 'other' }])
    expect(carrier.claim(jobOf('new', args))).toBe(false)
  expect(carrier.claim(jobOf('new', { path: '/moved', mode: '', instanceNo: '1' }))).toBe(true)
  expect(carrier.claim(jobOf('newer'))).toBe(false)
  expect(carrier.rest()).toEqual([])
})

test('a job without a volume is identified by its id', () => {
  const plain = (id: string) => jobSchema.parse({ id, spec: '@daily', action: 'test', args: {} })
  const carrier = carrySleep([], [plain('a')], NOW)
  expect(carrier.claim(plain('b'))).toBe(false)
  expect(carrier.claim(plain('a'))).toBe(true)
})

test('a mark without a job is kept for 30 days', () => {
  const [mark] = carrySleep([], [jobOf('old')], NOW).rest()
  expect(mark).toMatchObject({ leftAt: NOW })
  const later = (ms: number) => carrySleep(mark ? [mark] : [], [], NOW + ms).rest()
  expect(later(MAX_SLEEP_MARK_AGE_MS - 1)).toEqual([mark])
  expect(later(MAX_SLEEP_MARK_AGE_MS)).toEqual([])
})

test('if there are too many marks, the newest are kept', () => {
  const left = Array.from({ length: 10_002 }, (_, n) => ({ key: `mark ${n}`, leftAt: NOW }))
  const rest = carrySleep(left, [], NOW).rest()
  expect([rest.length, rest.at(0)?.key, rest.at(-1)?.key]).toEqual([10_000, 'mark 2', 'mark 10001'])
})
