import { isoDay } from '../../lib/clock.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import type { DaemonDebug } from '../../wire/daemon-api.ts'
import type { KeptStoreDay } from '../health-ports.ts'
import type { StoreSample } from './forecast.ts'

/** Growth is computed from this much of the past. */
export const FORECAST_DAYS = 30
/** The present day is saved this often. */
const SAVE_INTERVAL_MS = 3_600_000

/** The room of each store, one sample a day: the last one of the day. */
export class StoreHistory {
  readonly #days = new Map<string, Map<string, StoreSample>>()
  readonly #savedAt = new Map<string, number>()
  readonly #unsaved = new Map<string, KeptStoreDay>()

  restore(kept: readonly KeptStoreDay[]): void {
    for (const { server, day, ...sample } of kept) this.#ofServer(server).set(day, sample)
  }

  /** Oldest first. */
  list(server: string): StoreSample[] {
    return [...(this.#days.get(server)?.values() ?? [])].sort((one, other) => one.at - other.at)
  }

  note(server: string, sample: StoreSample): void {
    const day = isoDay(sample.at)
    const days = this.#ofServer(server)
    days.set(day, sample)
    for (const [each, { at }] of days) if (sample.at - at > FORECAST_DAYS * DAY_MS) days.delete(each)
    const savedAt = this.#savedAt.get(server) ?? Number.NEGATIVE_INFINITY
    if (Math.abs(sample.at - savedAt) < SAVE_INTERVAL_MS) return
    this.#savedAt.set(server, sample.at)
    this.#unsaved.set(server, { server, day, ...sample })
  }

  /** What is to be saved; a row that could not be saved is replaced within an hour. */
  takeUnsaved(): KeptStoreDay[] {
    const rows = [...this.#unsaved.values()]
    this.#unsaved.clear()
    return rows
  }

  #ofServer(server: string): Map<string, StoreSample> {
    const known = this.#days.get(server) ?? new Map<string, StoreSample>()
    this.#days.set(server, known)
    return known
  }
}

/** A quota that is tighter than the store counts instead of it; undefined if the daemon does not know its room. */
export function readStoreSample({ store }: DaemonDebug, at: number): StoreSample | undefined {
  if (!store || store.error !== null || store.freeBytes === null || store.totalBytes === null)
    return undefined
  const { freeBytes, totalBytes, quota } = store
  const left = quota ? Math.max(quota.limitBytes - quota.usedBytes, 0) : freeBytes
  if (quota && left < freeBytes) return { at, usedBytes: quota.usedBytes, freeBytes: left }
  return { at, usedBytes: Math.max(totalBytes - freeBytes, 0), freeBytes }
}
