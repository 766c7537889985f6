import { BackupdError } from '../../../lib/errors.ts'
import { MINUTE_MS } from '../../../lib/time-units.ts'
import type { HiddenBackup, HiddenSum } from '../../../wire/hidden.ts'
import { addHidden, readHiddenNote, writeHiddenNote } from '../../hidden-note.ts'
import { isFull } from '../../reserve.ts'
import type { DueArchives } from '../../store-parts.ts'
import { exclusively, type StoreWorld } from '../../world.ts'
import { findDeletableArchives } from './delete-archives.ts'
import { findHiddenArchives } from './hidden-archives.ts'

/** What stays is looked at again then. */
const RETRY_MS = 10 * MINUTE_MS

/** Finds the hidden archives of the own namespace that are due by the trusted clock. A note spares most calls the list. */
export async function listDueArchives(world: StoreWorld): Promise<DueArchives> {
  const { archives } = await readHiddenNote(world.driver, world.identity.ip)
  if (!archives || archives.until > world.trustedNow()) return { due: [], kept: [], listed: false }
  const found: DueArchives = { due: [], kept: [], listed: true }
  for await (const one of findHiddenArchives(world)) {
    if (!isDue(one, world.trustedNow())) continue
    const why = await findObstacle(world, one)
    if (why === undefined) found.due.push(one.backup.name)
    else found.kept.push(why)
  }
  return found
}

function isDue({ mark }: HiddenBackup, nowMs: number): boolean {
  return mark === null || Date.parse(mark.until) <= nowMs
}

/** Somebody may have pinned it meanwhile, or the store locks it. */
async function findObstacle(
  world: StoreWorld,
  { backup: { name }, mark }: HiddenBackup,
): Promise<string | undefined> {
  if (!mark)
    return `The deleted backup "${name}" stays: nobody can read until when. Restore it, or delete it with "now: true"`
  try {
    await findDeletableArchives(world, [{ path: name, name, inside: null }])
    return undefined
  } catch (error) {
    if (!(error instanceof BackupdError) || error.code !== 'CONFLICT') throw error
    return `The deleted backup "${name}" stays: ${error.message}`
  }
}

/** Counts what is hidden now for the note, also after a crash. Call it under exclusively(). */
export async function countHiddenArchives(world: StoreWorld): Promise<void> {
  const { driver, identity } = world
  const { archives: before, ...note } = await readHiddenNote(driver, identity.ip)
  const soonest = world.trustedNow() + RETRY_MS
  let archives: HiddenSum | undefined
  for await (const { backup, mark } of findHiddenArchives(world)) {
    const until = Math.max(soonest, mark ? Date.parse(mark.until) : 0)
    archives = addHidden(archives, { count: 1, bytes: backup.size, until })
  }
  if (!archives && !before) return
  try {
    await writeHiddenNote(driver, identity.ip, { ...note, ...(archives && { archives }) })
  } catch (error) {
    // The next count comes with the next expiry.
    if (!isFull(error)) throw error
  }
}

/** See StoreParts.countHidden. If the note says that nothing is hidden, nothing is listed. */
export async function recountHidden(world: StoreWorld): Promise<void> {
  const { archives } = await readHiddenNote(world.driver, world.identity.ip)
  if (archives) await exclusively(world, () => countHiddenArchives(world))
}
