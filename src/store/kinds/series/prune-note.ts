import { z } from 'zod'
import { DAY_MS, HOUR_MS } from '../../../lib/time-units.ts'
import { tryReadSmall } from '../../../objects/small-objects.ts'
import { PRUNE_NOTE } from '../../layout.ts'
import type { StoreParts } from '../../store-parts.ts'

/** `<ip>/.prune`: how much there is to prune, and when retention was last checked. */
const noteSchema = z.object({
  /** Snapshots deleted, and runs that ended without one, since the last prune. */
  forgotten: z.number().int().nonnegative(),
  /** Unix ms of the last prune; before the first prune, of the first retention check. */
  prunedAt: z.number().nonnegative(),
  /** Unix ms of the last retention check. */
  lookedAt: z.number().nonnegative().catch(0),
  /** Unix ms since when deletes of full backups wait; missing if none does. */
  deletesSince: z.number().nonnegative().optional(),
})
export type PruneNote = z.infer<typeof noteSchema>

const NOTHING: PruneNote = { forgotten: 0, prunedAt: 0, lookedAt: 0 }

type Namespace = { store: Pick<StoreParts, 'driver'>; ip: string }

export async function readPruneNote({ store, ip }: Namespace): Promise<PruneNote> {
  const { content, problem } = await tryReadSmall(store.driver, `${ip}/${PRUNE_NOTE}`)
  if (!content && problem === null) return NOTHING
  try {
    return noteSchema.parse(JSON.parse(content?.toString() ?? ''))
  } catch {
    // An unreadable note may have had something to prune.
    return { forgotten: 1, prunedAt: 0, lookedAt: 0 }
  }
}

export async function noteForgotten(namespace: Namespace, count: number): Promise<void> {
  if (count === 0) return
  const note = await readPruneNote(namespace)
  await write(namespace, { ...note, forgotten: note.forgotten + count })
}

export async function notePruned(namespace: Namespace, nowMs: number): Promise<void> {
  await write(namespace, { ...(await readPruneNote(namespace)), forgotten: 0, prunedAt: nowMs })
}

/** Notes a retention check. If nothing was pruned or forgotten yet, the interval to the first prune starts now. */
export async function noteRetentionCheck(namespace: Namespace, nowMs: number): Promise<void> {
  const note = await readPruneNote(namespace)
  const prunedAt = note.forgotten === 0 && note.prunedAt === 0 ? nowMs : note.prunedAt
  await write(namespace, { ...note, prunedAt, lookedAt: nowMs })
}

/** @param since when the oldest delete that waits began; undefined if none waits */
export async function noteDeletes(namespace: Namespace, since: number | undefined): Promise<void> {
  const { deletesSince, ...note } = await readPruneNote(namespace)
  if (deletesSince === since) return
  await write(namespace, { ...note, ...(since !== undefined && { deletesSince: since }) })
}

async function write({ store, ip }: Namespace, note: PruneNote): Promise<void> {
  await store.driver.replace(`${ip}/${PRUNE_NOTE}`, Buffer.from(`${JSON.stringify(note)}\n`))
}

/** Killed runs leave no note, so a prune is due at least this often to remove what they wrote. */
const WEEK_MS = 7 * DAY_MS

/** A prune reads the trees of all snapshots, so it does not run for each deleted one. */
export function isPruneDue(
  { forgotten, prunedAt }: PruneNote,
  nowMs: number,
  { isStoreFull = false } = {},
): boolean {
  const since = nowMs - prunedAt
  if (since < 0) return true
  if (forgotten > 0) return since >= (isStoreFull ? HOUR_MS : DAY_MS)
  return prunedAt > 0 && since >= (isStoreFull ? DAY_MS : WEEK_MS)
}

const RETENTION_CHECK_INTERVAL_MS = 10 * 60_000

/** Opening a repository takes a while, so retention is checked only as often as the shortest expiry needs. */
export function isRetentionCheckDue({ lookedAt }: PruneNote, shortestMs: number, nowMs: number): boolean {
  const since = nowMs - lookedAt
  return since < 0 || since >= Math.min(RETENTION_CHECK_INTERVAL_MS, shortestMs / 10)
}

/** Whether a retention check or a prune has been due for an hour. */
export function isOverdue({ forgotten, prunedAt, lookedAt }: PruneNote, nowMs: number): boolean {
  const isPruneLate = nowMs - prunedAt >= (forgotten > 0 ? DAY_MS : WEEK_MS) + HOUR_MS
  return isPruneLate || nowMs - lookedAt >= RETENTION_CHECK_INTERVAL_MS + HOUR_MS
}
