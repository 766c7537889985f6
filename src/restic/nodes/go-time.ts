const NS = 1_000_000_000n
/** The range of JavaScript's dates, in seconds. */
const LAST_SECOND = 8_640_000_000_000
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * Nanoseconds since 1970 as Go writes a time.Time: RFC 3339 in UTC, the fraction without trailing zeros. Years outside
 * 0 to 9999 are set to the nearest, as restic does (FixTime).
 */
export function formatGoTime(ns: bigint): string {
  let fraction = Number(ns % NS)
  let second = Number(ns / NS)
  if (fraction < 0) {
    fraction += 1e9
    second--
  }
  return fraction === 0 ? `${secondText(second)}Z` : `${secondText(second)}.${fractionText(fraction)}Z`
}

/** The years 0 to 9999. */
const FIRST_NS = -62_167_219_200n * NS
const END_NS = 253_402_300_800n * NS

/** What formatGoTime makes of a time: another one outside of its years. */
export function keptTime(ns: bigint): bigint {
  return ns >= FIRST_NS && ns < END_NS ? ns : (parseGoTime(formatGoTime(ns)) ?? ns)
}

function fractionText(fraction: number): string {
  const digits = (1e9 + fraction).toString()
  let end = digits.length
  while (digits.charCodeAt(end - 1) === 0x30) end--
  return digits.slice(1, end)
}

const DAY = 86_400
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
/** Neighbours in a tree often share the day. */
const last = { day: Number.NaN, text: '' }

function secondText(second: number): string {
  const within = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, second))
  const day = Math.floor(within / DAY)
  const rest = within - day * DAY
  const hour = Math.floor(rest / 3600)
  const minute = Math.floor((rest % 3600) / 60)
  return `${dayText(day)}T${TWO_DIGITS[hour]}:${TWO_DIGITS[minute]}:${TWO_DIGITS[rest % 60]}`
}

function dayText(day: number): string {
  if (day !== last.day) {
    last.day = day
    last.text = withinYears(new Date(day * DAY * 1000).toISOString())
  }
  return last.text
}

function withinYears(iso: string): string {
  if (iso.startsWith('+')) return `9999${iso.slice(7, 13)}`.replace('-02-29', '-03-01')
  return iso.startsWith('-') ? `0000${iso.slice(7, 13)}` : iso.slice(0, 10)
}

const parsed: { text: string; ns: bigint | undefined } = { text: '', ns: undefined }

/** The inverse, of any zone. Undefined for what is not RFC 3339. */
export function parseGoTime(text: string): bigint | undefined {
  // The times of a file are often one and the same.
  if (text !== parsed.text) {
    parsed.ns = parseAnew(text)
    parsed.text = text
  }
  return parsed.ns
}

function parseAnew(text: string): bigint | undefined {
  const match = RFC3339.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction, sign, zoneHours, zoneMinutes] = match
  const days = daysSince1970(Number(year), Number(month), Number(day))
  const zone = sign ? (Number(zoneHours) * 3600 + Number(zoneMinutes) * 60) * (sign === '-' ? -1 : 1) : 0
  const seconds = days * 86400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zone
  return BigInt(seconds) * NS + BigInt(fraction ? Number(fraction.padEnd(9, '0')) : 0)
}

/** In the Gregorian calendar, before its beginning too (Howard Hinnant, days_from_civil). */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
