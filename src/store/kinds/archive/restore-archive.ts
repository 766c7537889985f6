import { checkSize } from '../../../archive/expected.ts'
import { type ChosenPlan, planChosen } from '../../../archive/plan-chosen.ts'
import { unpackArchive } from '../../../archive/unpack.ts'
import { unpackChosen } from '../../../archive/unpack-chosen.ts'
import { hasCode } from '../../../lib/errors.ts'
import type { ByteSpan, KnownObject } from '../../../objects/driver.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { RestoreTarget } from '../../stored-backup.ts'
import { readMemberSizes } from './read-member-sizes.ts'
import { makeExpected, type StoredArchive } from './stored-archive.ts'

/**
 * Restores everything, or the chosen files: of these, only the gzip members that have them are read, if the index can be
 * trusted.
 */
export async function restoreArchive(
  stored: StoredArchive,
  into: RestoreTarget,
  chosen: ChosenFiles | null,
): Promise<UnpackSummary> {
  try {
    const plan = chosen && (await planByIndex(stored, chosen, into.signal))
    return chosen && plan
      ? await restoreChosen(stored, { ...into, chosen }, plan)
      : await restoreAll(stored, { ...into, ...(chosen && { chosen }) })
  } catch (error) {
    if (hasCode(error, 'CONFLICT')) await compareSize(stored)
    throw error
  }
}

type IntoTarget = RestoreTarget & { chosen?: ChosenFiles }

/** Null if the index does not help. */
async function planByIndex(
  stored: StoredArchive,
  chosen: ChosenFiles,
  signal: AbortSignal,
): Promise<ChosenPlan | null> {
  const { manifest } = stored
  if (!manifest || chosen.of(Buffer.alloc(0)) === 'all') return null
  try {
    await using index = await stored.openIndex()
    return index && (await planChosen(index, chosen, { size: manifest.size, signal }))
  } catch {
    // All that an index does is to save time.
    signal.throwIfAborted()
    return null
  }
}

async function restoreChosen(
  stored: StoredArchive,
  restore: IntoTarget,
  plan: ChosenPlan,
): Promise<UnpackSummary> {
  const spans = plan.members.map(({ at, bytes }) => ({ from: at, end: at + bytes }))
  await using archive = await stored.openObject(makeKnown(stored, spans))
  checkSize(archive.size, makeExpected(stored))
  return await unpackChosen({ ...restore, archive, plan })
}

async function restoreAll(stored: StoredArchive, restore: IntoTarget): Promise<UnpackSummary> {
  const members = await readMemberSizes(stored)
  const everything = stored.manifest && [{ from: 0, end: stored.manifest.size }]
  await using archive = await stored.openObject(everything ? makeKnown(stored, everything) : undefined)
  return await unpackArchive({ ...restore, archive, expected: makeExpected(stored), members })
}

/** What the store may take from the manifest of an archive. @param spans what will be read */
export function makeKnown({ manifest }: StoredArchive, spans: readonly ByteSpan[]): KnownObject | undefined {
  return manifest ? { size: manifest.size, spans } : undefined
}

/** Throws ARCHIVE_CORRUPT if the archive does not have the size of the manifest, which a store may notice while reading. */
async function compareSize(stored: StoredArchive): Promise<void> {
  await using archive = await stored.openObject()
  checkSize(archive.size, makeExpected(stored))
}
