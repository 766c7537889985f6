import { z } from 'zod'
import { readSmall } from '../../../objects/small-objects.ts'
import { PRUNE_NOTE } from '../../layout.ts'
import type { Store } from '../../store.ts'

/** `<ip>/.prune`: what a prune would have to do, and when retention was looked at. */
const noteSchema = z.object({
  /** Snapshots that went, and runs that ended without one, since the last prune. */
  forgotten: z.number().int().nonnegative(),
  /** Unix ms; before the first, when it was first looked at. */
  prunedAt: z.number().nonnegative(),
  /** When the ages of snapshots were last looked at; unix ms. */
  lookedAt: z.number().nonnegative().catch(0),
})
export type PruneNote = z.infer<typeof noteSchema>

const NOTHING: PruneNote = { forgotten: 0, prunedAt: 0, lookedAt: 0 }

type Namespace = { store: Store; ip: string }

export async function readPruneNote({ store, ip }: Namespace): Promise<PruneNote> {
  const text = await readSmall(store.driver, `${ip}/${PRUNE_NOTE}`)
  if (!text) return NOTHING
  try {
    return noteSchema.parse(JSON.parse(text.toString()))
  } catch {
    // It may have told of anything.
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

/** Where nothing was ever pruned, nor is to be, the time to the first prune begins. */
export async function noteLooked(namespace: Namespace, nowMs: number): Promise<void> {
  const note = await readPruneNote(namespace)
  const prunedAt = note.forgotten === 0 && note.prunedAt === 0 ? nowMs : note.prunedAt
  await write(namespace, { ...note, prunedAt, lookedAt: nowMs })
}

async function write({ store, ip }: Namespace, note: PruneNote): Promise<void> {
  await store.driver.replace(`${ip}/${PRUNE_NOTE}`, Buffer.from(`${JSON.stringify(note)}\n`))
}

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
/** Runs that were killed leave no note; what they wrote goes after this. */
const WEEK_MS = 7 * DAY_MS

/** A prune reads the folders of all snapshots, so it is not done for each one that goes. */
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

const LOOK_EVERY_MS = 10 * 60_000

/** To open a repository takes a while, so ages are looked at as often as the shortest of them asks for. */
export function isLookDue({ lookedAt }: PruneNote, shortestMs: number, nowMs: number): boolean {
  const since = nowMs - lookedAt
  return since < 0 || since >= Math.min(LOOK_EVERY_MS, shortestMs / 10)
}

/** Whether looking at ages, or a prune, has been due for an hour. */
export function isLongDue({ forgotten, prunedAt, lookedAt }: PruneNote, nowMs: number): boolean {
  const isPruneLate = nowMs - prunedAt >= (forgotten > 0 ? DAY_MS : WEEK_MS) + HOUR_MS
  return isPruneLate || nowMs - lookedAt >= LOOK_EVERY_MS + HOUR_MS
}
