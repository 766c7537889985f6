import { messageOf } from '../lib/errors.ts'
import type { CatalogDb } from './database.ts'
import { markPruned } from './event-store.ts'
import type { CatalogWorld } from './world.ts'

const DAY_MS = 86_400_000
const MAX_EVENT_AGE_MS = 7 * DAY_MS
const MAX_EVENTS = 100_000
const MAX_TOMBSTONE_AGE_MS = 30 * DAY_MS
/** Prunes after this many new events, and after the first one. */
const EVENTS_PER_PRUNE = 1000
/** Events that one call removes at most. */
const ROWS_PER_SLICE = 500

/**
 * Removes events older than 7 days or beyond the newest 100,000, and tombstones older than 30 days (no daemon keeps
 * news that long).
 * @returns a function to call in the write queue with the number of added events. It removes at most one slice, so that
 * news does not wait long. An error is logged, and the next call tries again.
 */
export function createPruner({ db, clock, log }: CatalogWorld): (added: number) => Promise<void> {
  let untilPrune = 0
  let more = false
  return async (added) => {
    untilPrune -= added
    if (untilPrune >= 0 && !more) return
    untilPrune = EVENTS_PER_PRUNE
    try {
      more = await pruneSlice(db, clock.now())
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'Cannot remove old events; tried again later')
    }
  }
}

/** @returns whether there is more to remove */
async function pruneSlice(db: CatalogDb, now: number): Promise<boolean> {
  const before = await findFirstKept(db, now - MAX_EVENT_AGE_MS)
  const oldest = await db.recordEvent.findMany({
    where: { seq: { lt: before } },
    orderBy: { seq: 'asc' },
    take: ROWS_PER_SLICE,
    select: { seq: true },
  })
  const last = oldest.at(-1)
  if (last) {
    await db.$transaction(async (transaction) => {
      await transaction.recordEvent.deleteMany({ where: { seq: { lte: last.seq } } })
      await markPruned(transaction, last.seq)
    })
  }
  await db.tombstone.deleteMany({ where: { at: { lt: now - MAX_TOMBSTONE_AGE_MS } } })
  return oldest.length === ROWS_PER_SLICE
}

/** The number of the first event that stays. */
async function findFirstKept(db: CatalogDb, oldestMs: number): Promise<number> {
  const order = { orderBy: { seq: 'desc' }, select: { seq: true } } as const
  const tooMany = await db.recordEvent.findFirst({ ...order, skip: MAX_EVENTS })
  const tooOld = await db.recordEvent.findFirst({ ...order, where: { at: { lt: oldestMs } } })
  return Math.max(tooMany?.seq ?? 0, tooOld?.seq ?? 0) + 1
}
