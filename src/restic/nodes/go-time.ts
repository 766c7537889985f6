import { NS_PER_SECOND } from '../../lib/time-units.ts'

/** JavaScript's dates reach from minus this to plus this, in seconds since 1970. */
const LAST_SECOND = 8_640_000_000_000
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * Formats nanoseconds since 1970 like Go's time.Time: RFC 3339 in UTC, the fraction without trailing zeros. Like
 * restic (FixTime), replaces years outside 0 to 9999 by the nearest of these.
 */
export function formatGoTime(ns: bigint): string {
  let fraction = Number(ns % NS_PER_SECOND)
  let second = Number(ns / NS_PER_SECOND)
  if (fraction < 0) {
    fraction += 1e9
    second--
  }
  return fraction === 0 ? `${secondText(second)}Z` : `${secondText(second)}.${fractionText(fraction)}Z`
}

/** The start of year 0, and of year 10000. */
const FIRST_NS = -62_167_219_200n * NS_PER_SECOND
const END_NS = 253_402_300_800n * NS_PER_SECOND

/** The time that a snapshot stores for `ns`: the same, or one of the years 0 to 9999. Nanoseconds since 1970. */
export function toStorableTime(ns: bigint): bigint {
  return ns >= FIRST_NS && ns < END_NS ? ns : (parseGoTime(formatGoTime(ns)) ?? ns)
}

function fractionText(fraction: number): string {
  const digits = (1e9 + fraction).toString()
  let end = digits.length
  while (digits.charCodeAt(end - 1) === 0x30) end--
  return digits.slice(1, end)
}

const DAY_SECONDS = 86_400
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
/** The last day that was formatted: neighbours in a tree often share it. */
const last = { day: Number.NaN, text: '' }

function secondText(second: number): string {
  const within = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, second))
  const day = Math.floor(within / DAY_SECONDS)
  const rest = within - day * DAY_SECONDS
  const hour = Math.floor(rest / 3600)
  const minute = Math.floor((rest % 3600) / 60)
  return `${dayText(day)}T${TWO_DIGITS[hour]}:${TWO_DIGITS[minute]}:${TWO_DIGITS[rest % 60]}`
}

function dayText(day: number): string {
  if (day !== last.day) {
    last.day = day
    last.text = withinYears(new Date(day * DAY_SECONDS * 1000).toISOString())
  }
  return last.text
}

function withinYears(iso: string): string {
  if (iso.startsWith('+')) return `9999${iso.slice(7, 13)}`.replace('-02-29', '-03-01')
  return iso.startsWith('-') ? `0000${iso.slice(7, 13)}` : iso.slice(0, 10)
}

const parsed: { text: string; ns: bigint | undefined } = { text: '', ns: undefined }

/** The inverse of formatGoTime(), for times in any zone. Undefined if the text is not RFC 3339. */
export function parseGoTime(text: string): bigint | undefined {
  // The three times of a file are often the same.
  if (text !== parsed.text) {
    parsed.ns = parseRfc3339(text)
    parsed.text = text
  }
  return parsed.ns
}

function parseRfc3339(text: string): bigint | undefined {
  const match = RFC3339.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction, sign, zoneHours, zoneMinutes] = match
  const days = daysSince1970(Number(year), Number(month), Number(day))
  const zone = sign ? (Number(zoneHours) * 3600 + Number(zoneMinutes) * 60) * (sign === '-' ? -1 : 1) : 0
  const seconds = days * 86400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zone
  return BigInt(seconds) * NS_PER_SECOND + BigInt(fraction ? Number(fraction.padEnd(9, '0')) : 0)
}

/** In the Gregorian calendar, extended to all years (Howard Hinnant, days_from_civil). */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
