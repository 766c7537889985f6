const FIRST_MS = 500
const MAX_MS = 60_000

/** How long to wait after `failures` failures in a row, ms: doubles up to `maxMs`, with jitter of up to a half. */
export function backoffMs(failures: number, maxMs = MAX_MS): number {
  const full = Math.min(maxMs, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return full * (0.5 + Math.random() / 2)
}
