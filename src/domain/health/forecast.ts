import { DAY_MS } from '../../lib/time-units.ts'

/** The room of a store at one time. */
export interface StoreSample {
  /** Unix ms. */
  at: number
  usedBytes: number
  freeBytes: number
}

export interface StoreForecast {
  isFull: boolean
  /** Unix ms: when it will be full at its own growth, if that is soon; null if it is not. */
  fullAt: number | null
  freeBytes: number | null
  /** 0 if it does not grow, or is not known for long enough. */
  bytesPerDay: number
}

export const NO_FORECAST: StoreForecast = { isFull: false, fullAt: null, freeBytes: null, bytesPerDay: 0 }

/** A store that will be full within this time is reported. */
const SOON_MS = 14 * DAY_MS
/** Growth is not computed from less, because one large backup would look like a trend. */
const MIN_HISTORY_MS = 3 * DAY_MS
const MIN_FREE_SHARE = 0.01

/** @param samples oldest first, the present one last */
export function forecastStore(samples: readonly StoreSample[]): StoreForecast {
  const now = samples.at(-1)
  const first = samples[0]
  if (!now || !first) return NO_FORECAST
  const { freeBytes } = now
  const isFull = freeBytes <= (now.usedBytes + freeBytes) * MIN_FREE_SHARE
  const bytesPerDay = now.at - first.at >= MIN_HISTORY_MS ? Math.max(fitGrowth(samples) * DAY_MS, 0) : 0
  const leftMs = bytesPerDay > 0 ? (freeBytes / bytesPerDay) * DAY_MS : Number.POSITIVE_INFINITY
  return { isFull, fullAt: leftMs <= SOON_MS ? now.at + leftMs : null, freeBytes, bytesPerDay }
}

/** The slope of the line with the least squares of distances, bytes a millisecond. */
function fitGrowth(samples: readonly StoreSample[]): number {
  const meanAt = mean(samples.map(({ at }) => at))
  const meanUsed = mean(samples.map(({ usedBytes }) => usedBytes))
  let [above, below] = [0, 0]
  for (const { at, usedBytes } of samples) {
    above += (at - meanAt) * (usedBytes - meanUsed)
    below += (at - meanAt) ** 2
  }
  return below === 0 ? 0 : above / below
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
