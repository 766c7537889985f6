import { expect, onTestFinished, test, vi } from 'vitest'
import { JobTable } from '../../src/engine/job-table.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { jobSchema } from '../../src/wire/job.ts'
import { MemoryWithoutDisk } from '../support/engine-memory.ts'
import { silentLog } from '../support/silent-log.ts'

const NOON = Date.UTC(2026, 10, 23, 12)
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** A started schedule of one job; `fired` has the wall time of each run. */
function scheduled(spec: string) {
  vi.useFakeTimers({ now: NOON })
  onTestFinished(() => void vi.useRealTimers())
  const fired: string[] = []
  const table = new JobTable({
    clock: systemClock,
    agingClock: systemClock,
    log: silentLog,
    memory: new MemoryWithoutDisk(),
    isAction: () => true,
    onDue: () => void fired.push(new Date().toISOString().slice(11, 19)),
  })
  onTestFinished(() => table.stop())
  table.start()
  const job = { id: 'a', spec: spec.startsWith('@') ? spec : `TZ=UTC ${spec}`, action: 'test' }
  table.set([jobSchema.parse(job)], 'v1')
  const back = (ms: number) => vi.setSystemTime(Date.now() - ms)
  return { table, fired, back }
}

test.each(['*/10 * * * * *', '@every 10s'])('%s continues in elapsed time', (spec) => {
  const { fired, back } = scheduled(spec)
  vi.advanceTimersByTime(MINUTE)
  expect(fired).toHaveLength(6)
  back(2 * HOUR)
  fired.length = 0
  vi.advanceTimersByTime(10 * MINUTE)
  expect(fired).toHaveLength(60)
  expect(fired[0]).toBe('10:01:10')
})

test('an hourly job keeps its interval, and then its minute', () => {
  const { fired, back, table } = scheduled('0 * * * *')
  vi.advanceTimersByTime(90 * MINUTE)
  back(2 * HOUR + 10 * MINUTE)
  vi.advanceTimersByTime(SECOND)
  expect(table.get('a')?.next.slice(11, 16)).toBe('11:50')
  vi.advanceTimersByTime(4 * HOUR)
  expect(fired).toEqual(['13:00:00', '11:50:00', '13:00:00', '14:00:00', '15:00:00'])
})

test('no run comes twice after the clock was corrected by a minute and a half', () => {
  const { fired, back } = scheduled('@every 1h')
  vi.advanceTimersByTime(HOUR + 5 * SECOND)
  back(90 * SECOND)
  vi.advanceTimersByTime(3 * HOUR)
  expect(fired).toEqual(['13:00:00', '13:58:30', '15:00:00'])
})

test('a daily interval that was due in ten minutes stays due in ten minutes', () => {
  const { fired, back } = scheduled('@every 24h')
  vi.advanceTimersByTime(12 * HOUR - 10 * MINUTE)
  back(2 * HOUR)
  vi.advanceTimersByTime(11 * MINUTE)
  expect(fired.map((time) => time.slice(0, 5))).toEqual(['22:00'])
})

test('named times wait until the clock has caught up', () => {
  const { fired, back } = scheduled('30 10-15 * * *')
  vi.advanceTimersByTime(HOUR)
  back(2 * HOUR)
  vi.advanceTimersByTime(2 * HOUR)
  expect(fired).toEqual(['12:30:00'])
  vi.advanceTimersByTime(HOUR)
  expect(fired).toEqual(['12:30:00', '13:30:00'])
})

test('a correction by less than a second changes nothing', () => {
  const { fired, back } = scheduled('*/10 * * * * *')
  vi.advanceTimersByTime(15 * SECOND)
  back(900)
  vi.advanceTimersByTime(20 * SECOND)
  expect(fired).toEqual(['12:00:10', '12:00:20', '12:00:30'])
})
