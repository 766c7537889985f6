import { type IndexEntry, readIndex } from '../../../archive/index-format.ts'
import { textToBytes } from '../../../lib/byte-paths.ts'
import { type ComparedEntry, planEntries } from '../../../volume/plan/plan-entries.ts'
import type { RecoverPlan } from '../../../wire/snapshot.ts'
import type { PlanQuestion } from '../../stored-backup.ts'
import { MAX_LISTED, toRecoverPlan } from '../recover-plan.ts'
import { readArchiveEntries } from './archive-entries.ts'
import type { StoredArchive } from './stored-archive.ts'

/** Without an index, the whole archive is read, twice. */
export async function planArchive(
  archive: StoredArchive,
  { warn, ...question }: PlanQuestion,
): Promise<{ plan: RecoverPlan; refused: number }> {
  const entries = () => listEntries(archive, question.signal)
  return toRecoverPlan(await planEntries({ ...question, entries, names: MAX_LISTED }), { warn })
}

async function* listEntries(archive: StoredArchive, signal: AbortSignal): AsyncGenerator<ComparedEntry> {
  await using index = await archive.openIndex()
  if (index) {
    for await (const line of readIndex(index)) if (line.kind === 'entry') yield fromIndex(line)
    return
  }
  await using object = await archive.openObject()
  for await (const { entry, path } of readArchiveEntries(object, signal)) {
    const { type, mode, uid, gid, size, mtimeNs, linkName } = entry
    yield { type, path, mode, uid, gid, size, mtimeNs, linkTarget: type === 'symlink' ? linkName : null }
  }
}

function fromIndex({ path, linkTarget, mtimeNs, ...entry }: IndexEntry): ComparedEntry {
  const target = linkTarget === null ? null : textToBytes(linkTarget)
  return { ...entry, path: textToBytes(path), mtimeNs: BigInt(mtimeNs), linkTarget: target }
}
