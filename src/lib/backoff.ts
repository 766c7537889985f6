const FIRST_MS = 500
const LONGEST_MS = 60_000

/** How long to wait after `failures` failures in a row, ms: doubling up to `longestMs`, with jitter of up to a half. */
export function backoffMs(failures: number, longestMs = LONGEST_MS): number {
  const full = Math.min(longestMs, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return full * (0.5 + Math.random() / 2)
}
