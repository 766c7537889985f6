import { messageOf } from '../lib/errors.ts'
import { DAY_MS } from '../lib/time-units.ts'
import type { CatalogDb } from './database.ts'
import { markPruned } from './event-store.ts'
import type { CatalogWorld } from './world.ts'

const MAX_EVENT_AGE_MS = 7 * DAY_MS
const MAX_EVENTS = 100_000
const MAX_TOMBSTONE_AGE_MS = 30 * DAY_MS
/** Prunes after this many new events, and after the first one. */
const EVENTS_PER_PRUNE = 1000
/** Events that one call removes at most. */
const ROWS_PER_SLICE = 500

/** Called in the write queue with the number of added events; negative if they were deleted. */
export type Prune = (added: number) => Promise<void>

/**
 * Removes events older than 7 days or beyond the newest 100,000, and tombstones older than 30 days (no daemon keeps
 * news that long). The caller is the only one who adds or removes events.
 * One call removes at most one slice, so that news does not wait long. An error is logged, and the next call tries again.
 */
export async function openPruner({ db, clock, log }: CatalogWorld): Promise<Prune> {
  let stored = await db.recordEvent.count()
  let untilPrune = 0
  let more = false
  return async (added) => {
    stored += added
    untilPrune -= added
    if (untilPrune >= 0 && !more) return
    untilPrune = EVENTS_PER_PRUNE
    try {
      const removed = await pruneSlice(db, { now: clock.now(), tooMany: stored - MAX_EVENTS })
      stored -= removed
      more = removed === ROWS_PER_SLICE
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'Cannot remove old events; tried again later')
    }
  }
}

interface Excess {
  /** Unix ms. */
  now: number
  /** So many events have to go, whatever their age. */
  tooMany: number
}

/** Reads and removes only the oldest events, by their number. Returns how many. */
async function pruneSlice(db: CatalogDb, { now, tooMany }: Excess): Promise<number> {
  const oldest = await db.recordEvent.findMany({
    orderBy: { seq: 'asc' },
    take: ROWS_PER_SLICE,
    select: { seq: true, at: true },
  })
  const tooOld = oldest.findLastIndex(({ at }) => Number(at) < now - MAX_EVENT_AGE_MS) + 1
  const removed = oldest.slice(0, Math.max(tooOld, tooMany))
  const last = removed.at(-1)
  if (last) {
    await db.$transaction(async (transaction) => {
      await transaction.recordEvent.deleteMany({ where: { seq: { lte: last.seq } } })
      await markPruned(transaction, last.seq)
    })
  }
  await db.tombstone.deleteMany({ where: { at: { lt: now - MAX_TOMBSTONE_AGE_MS } } })
  return removed.length
}
