import { isoTime } from '../../../lib/clock.ts'
import { createSmall } from '../../../objects/small-objects.ts'
import type { HiddenMark, HideRequest } from '../../../wire/hidden.ts'
import { addHidden, readHiddenNote, writeHiddenNote } from '../../hidden-note.ts'
import { type BackupPath, makePieceKey } from '../../layout.ts'
import { describeBackup } from '../../list-backups.ts'
import { readMeta } from '../../meta-file.ts'
import { orOfferNow } from '../../offer-now.ts'
import { assertOwner } from '../../owner.ts'
import { withReserve } from '../../reserve.ts'
import { exclusively, type StoreWorld } from '../../world.ts'
import { findDeletableArchives } from './delete-archives.ts'

/**
 * Hides archives of the own namespace: from then on they are no backups, until they are restored or freed. All are checked
 * before the first is hidden; one that is hidden already stays so to its own time. Returns those that exist.
 */
export function hideArchives(
  world: StoreWorld,
  paths: readonly BackupPath[],
  { by, windowMs }: HideRequest,
): Promise<string[]> {
  return exclusively(world, async () => {
    await assertOwner(world)
    const names = (await findDeletableArchives(world, paths)).map(({ name }) => name)
    const nowMs = world.trustedNow()
    const mark = { at: isoTime(nowMs), until: isoTime(nowMs + windowMs), by }
    const fresh = await leaveOutDeleted(world, names)
    if (fresh.length > 0) await orOfferNow(() => withReserve(world, () => writeMarks(world, fresh, mark)))
    return names
  })
}

async function leaveOutDeleted({ driver, identity }: StoreWorld, names: readonly string[]) {
  const left: string[] = []
  for (const name of names) {
    const pieces = (['hidden', 'tombstone'] as const).map((piece) => makePieceKey(identity.ip, name, piece))
    const found = await Promise.all(pieces.map((key) => driver.stat(key)))
    if (found.every((stat) => stat === undefined)) left.push(name)
  }
  return left
}

/** The note comes first: what it does not know of would never be freed. */
async function writeMarks(world: StoreWorld, names: readonly string[], mark: HiddenMark): Promise<void> {
  const { driver, identity } = world
  const note = await readHiddenNote(driver, identity.ip)
  const more = { count: names.length, bytes: await sumSizes(world, names), until: Date.parse(mark.until) }
  await writeHiddenNote(driver, identity.ip, { ...note, archives: addHidden(note.archives, more) })
  const content = Buffer.from(`${JSON.stringify(mark)}\n`)
  for (const name of names) {
    const key = makePieceKey(identity.ip, name, 'hidden')
    // A first try may have come this far before the store was full.
    if (!(await driver.stat(key))) await createSmall(driver, key, content)
  }
}

async function sumSizes(world: StoreWorld, names: readonly string[]): Promise<number> {
  const namespace = world.identity.ip
  const { meta } = await readMeta(world, namespace)
  let bytes = 0
  for (const name of names) bytes += (await describeBackup(world, { namespace, name, meta }))?.info.size ?? 0
  return bytes
}
