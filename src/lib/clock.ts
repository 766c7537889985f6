// src/lib holds helpers that know nothing of backups, so that each file can be read alone: time, errors, texts, files,
// the kernel's calls (kernel/) and schedules (schedule/). Only the table of error codes names backups, because errors are
// checked against it here too (error-codes.ts). Every folder may use lib; it imports nothing of ours.

/**
 * The time is passed in, so that tests can move it, also backwards. Whatever decides by the time takes a Clock from its
 * caller: what is due, too old or at its limit. The system's own time may be read by code that measures one turn or one
 * call, or compares with times of the kernel. A timer may be the system's if the code only looks or tries again after it,
 * gives up waiting, or limits how often something is sent. test/contract/time.test.ts lists the files that do either.
 */
export interface Clock {
  /** Unix ms by the wall clock, which can jump. */
  now(): number
  /** Monotonic ms since some moment of this process: for ages and deadlines. */
  elapsed(): number
  /** Calls `act` when `ms` have elapsed, unless it is disposed before. Does not keep the process alive. */
  after(ms: number, act: () => void): Disposable
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms).unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}

/** The zero time of Go, with which the legacy system means "never". */
export const NEVER = '0001-01-01T00:00:00Z'

/** Years 0 to 9999. Others have no RFC 3339 text, and their ISO 8601 text does not sort correctly. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

/** Prints unix ms as RFC 3339; a time outside the years 0 to 9999 becomes the nearest one inside. Throws for NaN. */
export function isoTime(ms: number): string {
  return new Date(Math.max(FIRST_MS, Math.min(LAST_MS, ms))).toISOString()
}

/** The day of such a time in UTC: `2026-01-31`. */
export function isoDay(ms: number): string {
  return isoTime(ms).slice(0, 'YYYY-MM-DD'.length)
}

/** Unix ms of the latest of these texts; 0 if none is a time. */
export function findLatestMs(...times: (string | null | undefined)[]): number {
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '')).filter((ms) => !Number.isNaN(ms)))
}

/** The same as isoTime for the time of a file, which can be billions of years away. */
export function isoTimeOfNs(ns: bigint): string {
  return isoTime(Number(ns / 1_000_000n))
}
