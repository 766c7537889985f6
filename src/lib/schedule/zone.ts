import { DAY_MS } from '../time-units.ts'

/**
 * Time zones through Intl. A wall time is represented by the unix ms of the same date and time in UTC: 02:30 in Berlin
 * is Date.UTC(…, 2, 30).
 */

/** No zone has two clock changes within this time that cancel each other. */
const SCAN_MS = 7 * DAY_MS

const formats = new Map<string, Intl.DateTimeFormat>()

function getFormat(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    const digits = {
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      ...digits,
    })
    formats.set(zone, format)
  }
  return format
}

export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false
  try {
    getFormat(zone)
    return true
  } catch {
    return false
  }
}

let ownZone: string | undefined

/** The zone of schedules that name none: the one passed to setLocalZone, or Intl's. */
export function localZone(): string {
  ownZone ??= intlZone()
  return ownZone
}

/** Call it once, at the start of a program. */
export function setLocalZone(zone: string): void {
  ownZone = zone
}

function intlZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? ''
  return isZone(zone) ? zone : 'UTC'
}

/** Frees the formats that a search through all zones has loaded. */
export function forgetZones(): void {
  formats.clear()
}

/** The wall time minus UTC, milliseconds, at an instant. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === 'UTC') return 0
  const second = Math.floor(instant / 1000) * 1000
  const text = getFormat(zone).format(second)
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, sec = 0] = (text.match(/\d+/g) ?? []).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, sec) - second
}

/** The first clock change in (from, to]: the first instant of the new offset. */
export function nextChange(zone: string, from: number, to: number): number | undefined {
  const before = offsetAt(zone, from)
  for (let at = from; at < to; at += SCAN_MS) {
    const end = Math.min(at + SCAN_MS, to)
    if (offsetAt(zone, end) !== before) return changeWithin(zone, at, end)
  }
  return undefined
}

/** Offsets at `from` and `to` differ; clock changes fall on whole seconds. */
function changeWithin(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from)
  let low = Math.floor(from / 1000)
  let high = Math.ceil(to / 1000)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}

/**
 * The instant of a wall time: the first of two if the clock is set back over it, the end of the gap if the clock is set
 * forward over it.
 */
export function findInstant(zone: string, wall: number): number {
  const before = offsetAt(zone, wall - DAY_MS)
  const after = offsetAt(zone, wall + DAY_MS)
  if (before === after) return wall - before
  const change = changeWithin(zone, wall - DAY_MS, wall + DAY_MS)
  if (wall - before < change) return wall - before
  return Math.max(wall - after, change)
}
