export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export const NS_PER_MS = 1_000_000n
export const NS_PER_SECOND = 1_000_000_000n
