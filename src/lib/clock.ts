/** Time is handed in, so that tests can move it, backwards too. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, as the wall says: it can jump. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** The zero time of the recorded system: "never". */
export const NEVER = '0001-01-01T00:00:00Z'

/** The years 0 to 9999: others have no RFC 3339 text, and their ISO 8601 text does not sort as text. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

/** RFC 3339 of a moment; one outside the years 0 to 9999 becomes the nearest in them. Throws for NaN. */
export function isoTime(ms: number): string {
  return new Date(Math.max(FIRST_MS, Math.min(LAST_MS, ms))).toISOString()
}

/** The same for the time of a file, which can lie billions of years away. */
export function isoTimeOfNs(ns: bigint): string {
  return isoTime(Number(ns / 1_000_000n))
}
