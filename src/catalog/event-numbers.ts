import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

const KEY = 'event numbers given'
/** How many numbers are reserved on disk at a time; unused ones are skipped after a crash. */
const NUMBERS_PER_BLOCK = 10_000

/** Increasing numbers that are never used twice, even after a restart or a crash. */
export interface EventNumbers {
  next(): number
  /** The highest number given so far. */
  last(): number
  close(): Promise<void>
}

export async function openEventNumbers(db: CatalogDb, writes: WriteQueue, log: Log): Promise<EventNumbers> {
  const mark = (upTo: number) =>
    writes.run(
      () => saveMark(db, upTo),
      () => NO_CHANGE,
    )
  let last = await lastGiven(db)
  let reserved = last + NUMBERS_PER_BLOCK
  let reserving: Promise<void> | undefined
  await mark(reserved)

  /** Reserves the next block; called half a block before the reserved numbers run out. */
  const reserve = async () => {
    const upTo = last + NUMBERS_PER_BLOCK
    await mark(upTo).then(
      () => {
        reserved = upTo
      },
      (error) =>
        log.error(
          { error: messageOf(error) },
          'Cannot reserve event numbers; tried again with the next event',
        ),
    )
    reserving = undefined
  }
  return {
    next() {
      last += 1
      if (last > reserved - NUMBERS_PER_BLOCK / 2) reserving ??= reserve()
      return last
    },
    last: () => last,
    async close() {
      await reserving
      await mark(last)
    },
  }
}

async function lastGiven(db: CatalogDb): Promise<number> {
  const marked = await db.meta.findUnique({ where: { key: KEY } })
  const newest = await db.recordEvent.findFirst({ orderBy: { seq: 'desc' }, select: { seq: true } })
  return Math.max(Number(marked?.value ?? 0), newest?.seq ?? 0)
}

async function saveMark(db: CatalogDb, upTo: number): Promise<void> {
  const value = String(upTo)
  await db.meta.upsert({ where: { key: KEY }, create: { key: KEY, value }, update: { value } })
}
