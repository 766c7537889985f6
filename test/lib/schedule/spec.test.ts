import { describe, expect, test } from 'vitest'
import { nextTime } from '../../../src/lib/schedule/next-time.ts'
import { parseSpec } from '../../../src/lib/schedule/spec.ts'

const FROM = Date.UTC(2026, 10, 23, 9, 24, 30) // a Monday

function nextOf(spec: string, count = 3): string[] {
  const schedule = parseSpec(spec)
  const times: string[] = []
  for (let at: number | undefined = FROM; times.length < count && at !== undefined; ) {
    at = nextTime(schedule, at)
    if (at !== undefined) times.push(new Date(at).toISOString().replace('.000Z', 'Z'))
  }
  return times
}

describe('accepted specs', () => {
  test.each([
    ['TZ=UTC 0 5 * * *', ['2026-11-24T05:00:00Z', '2026-11-25T05:00:00Z', '2026-11-26T05:00:00Z']],
    ['TZ=UTC 15 0 5 * * *', ['2026-11-24T05:00:15Z', '2026-11-25T05:00:15Z', '2026-11-26T05:00:15Z']],
    ['TZ=UTC * * * * *', ['2026-11-23T09:25:00Z', '2026-11-23T09:26:00Z', '2026-11-23T09:27:00Z']],
    ['TZ=UTC * * * * * *', ['2026-11-23T09:24:31Z', '2026-11-23T09:24:32Z', '2026-11-23T09:24:33Z']],
    ['TZ=UTC 0 3 ? * MON', ['2026-11-30T03:00:00Z', '2026-12-07T03:00:00Z', '2026-12-14T03:00:00Z']],
    ['TZ=UTC 0 0 * jan-Mar ?', ['2027-01-01T00:00:00Z', '2027-01-02T00:00:00Z', '2027-01-03T00:00:00Z']],
    ['TZ=UTC 50/4 * * * *', ['2026-11-23T09:50:00Z', '2026-11-23T09:54:00Z', '2026-11-23T09:58:00Z']],
    ['TZ=UTC 0 9-17/4,23 * * *', ['2026-11-23T13:00:00Z', '2026-11-23T17:00:00Z', '2026-11-23T23:00:00Z']],
    ['TZ=UTC 0 0 * * 7', ['2026-11-29T00:00:00Z', '2026-12-06T00:00:00Z', '2026-12-13T00:00:00Z']],
    ['TZ=UTC 0 0 * * fri-7', ['2026-11-27T00:00:00Z', '2026-11-28T00:00:00Z', '2026-11-29T00:00:00Z']],
    ['TZ=UTC 0 0 13 * FRI', ['2026-11-27T00:00:00Z', '2026-12-04T00:00:00Z', '2026-12-11T00:00:00Z']],
    ['TZ=UTC 0 0 1 * wed', ['2026-11-25T00:00:00Z', '2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z']],
    ['TZ=UTC 0 0 */31 * mon', ['2027-02-01T00:00:00Z', '2027-03-01T00:00:00Z', '2027-11-01T00:00:00Z']],
    ['TZ=UTC 0 0 29 2 *', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z', '2036-02-29T00:00:00Z']],
    ['TZ=UTC 0 0 30 2 mon', ['2027-02-01T00:00:00Z', '2027-02-08T00:00:00Z', '2027-02-15T00:00:00Z']],
    ['TZ=UTC @yearly', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z', '2029-01-01T00:00:00Z']],
    ['TZ=UTC @annually', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z', '2029-01-01T00:00:00Z']],
    ['TZ=UTC @monthly', ['2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z', '2027-02-01T00:00:00Z']],
    ['TZ=UTC @weekly', ['2026-11-29T00:00:00Z', '2026-12-06T00:00:00Z', '2026-12-13T00:00:00Z']],
    ['TZ=UTC @daily', ['2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z', '2026-11-26T00:00:00Z']],
    ['TZ=UTC @midnight', ['2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z', '2026-11-26T00:00:00Z']],
    ['TZ=UTC @hourly', ['2026-11-23T10:00:00Z', '2026-11-23T11:00:00Z', '2026-11-23T12:00:00Z']],
    ['@every 1h30m', ['2026-11-23T10:30:00Z', '2026-11-23T12:00:00Z', '2026-11-23T13:30:00Z']],
    ['@every 1m30s', ['2026-11-23T09:25:30Z', '2026-11-23T09:27:00Z', '2026-11-23T09:28:30Z']],
    ['@every 10ms', ['2026-11-23T09:24:31Z', '2026-11-23T09:24:32Z', '2026-11-23T09:24:33Z']],
    ['TZ=Asia/Tokyo 0 3 * * *', ['2026-11-23T18:00:00Z', '2026-11-24T18:00:00Z', '2026-11-25T18:00:00Z']],
    [
      'CRON_TZ=Asia/Kathmandu @daily',
      ['2026-11-23T18:15:00Z', '2026-11-24T18:15:00Z', '2026-11-25T18:15:00Z'],
    ],
    ['  TZ=UTC   0\t5 * *   *  ', ['2026-11-24T05:00:00Z', '2026-11-25T05:00:00Z', '2026-11-26T05:00:00Z']],
  ])('%s', (spec, times) => expect(nextOf(spec)).toEqual(times))

  test('29 February on a Sunday is found, however far away', () => {
    expect(nextOf('TZ=UTC 0 0 29 2 */7', 2)).toEqual(['2032-02-29T00:00:00Z', '2060-02-29T00:00:00Z'])
  })
})

describe('refused specs', () => {
  test.each([
    ['', 'it has 0 fields'],
    ['   ', 'it has 0 fields'],
    ['* * * *', 'it has 4 fields'],
    ['0 0 3 * * * 2027', 'it has 7 fields'],
    ['not cron', 'it has 2 fields'],
    ['bad spec of five words', 'minute: "bad" is not a value'],
    ['60 * * * *', 'minute: 60 is out of range 0-59'],
    ['61 0 0 * * *', 'second: 61 is out of range 0-59'],
    ['* 24 * * *', 'hour: 24 is out of range 0-23'],
    ['* * 0 * *', 'day of month: 0 is out of range 1-31'],
    ['* * 32 * *', 'day of month: 32 is out of range 1-31'],
    ['* * * 13 *', 'month: 13 is out of range 1-12'],
    ['* * * * 8', 'day of week: 8 is out of range 0-7'],
    ['*/0 * * * *', 'minute: the step is 0, expected at least 1'],
    ['0/00 * * * *', 'minute: the step is 0, expected at least 1'],
    ['*/ * * * *', 'minute: step "" is not a number'],
    ['*/-1 * * * *', 'minute: step "-1" is not a number'],
    ['*/2/3 * * * *', 'minute: "*/2/3" has more than one step'],
    ['1-2-3 * * * *', 'minute: "1-2-3" is not a range'],
    ['30-10 * * * *', 'minute: range 30-10 ends before it starts'],
    ['1,,2 * * * *', 'minute: a value is missing'],
    ['-5 * * * *', 'minute: a value is missing'],
    ['1e1 * * * *', 'minute: "1e1" is not a value'],
    ['*-5 * * * *', 'minute: "*" is not a value'],
    ['0 0 L * *', 'day of month: "L" is not a value'],
    ['0 0 15W * *', 'day of month: "15W" is not a value'],
    ['0 0 * * 5L', 'day of week: "5L" is not a value'],
    ['0 0 * * 1#2', 'day of week: "1#2" is not a value'],
    ['H 3 * * *', 'minute: "H" is not a value'],
    ['mon 3 * * *', 'minute: "mon" is not a value'],
    ['0 0 30 2 *', 'month 2 never has the day of month 30'],
    ['0 0 31 2,4,jun,9,11 *', 'month 2,4,jun,9,11 never has the day of month 31'],
    ['0 0 30 2 ?', 'month 2 never has the day of month 30'],
    ['@never', '@never does not exist'],
    ['@', '@ does not exist'],
    ['@every', '@every needs one duration'],
    ['@every soon', '"soon" is not a duration'],
    ['@every 1h 30m', '@every needs one duration'],
    ['@every 0s', 'the interval is 0, expected at least 1s'],
    ['@every -1h', '"-1h" is not a duration'],
    ['@every 99999999999h', 'the interval is longer than 292 years'],
    ['TZ=Mars/Olympus 0 3 * * *', 'the time zone "Mars/Olympus" does not exist'],
    ['TZ= 0 3 * * *', 'the time zone "" does not exist'],
    ['TZ=+05:30 0 3 * * *', 'the time zone "+05:30" does not exist'],
    ['TZ=UTC', 'it has 0 fields'],
    [`${'9'.repeat(400)} * * * *`, 'is out of range 0-59'],
  ])('%s', (spec, reason) => {
    expect(() => parseSpec(spec)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(reason) }),
    )
  })
})
