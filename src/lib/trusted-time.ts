/** A trusted moment (unix ms) with the boot clock at that moment (ms). */
export interface TimeAnchor {
  trustedMs: number
  bootMs: number
}

/** A wall clock that differs from the trusted time; both unix ms. */
export interface ClockDoubt {
  wallMs: number
  trustedMs: number
}

export interface TimeReading {
  /** The time to measure ages with: the wall clock, or the earlier of both while they differ too much. */
  nowMs: number
  doubt: ClockDoubt | null
}

/** A wall clock further away than this from the trusted time is in doubt. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000

export function trustedTime({ trustedMs, bootMs }: TimeAnchor, elapsedMs: number): number {
  return trustedMs + (elapsedMs - bootMs)
}

/** Checks the wall clock against an anchor of the same boot. */
export function readTime(anchor: TimeAnchor, now: { wallMs: number; elapsedMs: number }): TimeReading {
  const { wallMs } = now
  const trustedMs = Math.round(trustedTime(anchor, now.elapsedMs))
  if (Math.abs(wallMs - trustedMs) <= CLOCK_TOLERANCE_MS) return { nowMs: wallMs, doubt: null }
  return { nowMs: Math.min(wallMs, trustedMs), doubt: { wallMs, trustedMs } }
}
