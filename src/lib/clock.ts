/** Time is handed in, so that tests can move it, backwards too. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, as the wall says: it can jump. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** The zero time of the recorded system: "never". */
export const NEVER = '0001-01-01T00:00:00Z'

/** ISO 8601 of a clock reading. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
