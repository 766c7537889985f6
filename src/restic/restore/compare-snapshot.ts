import { compareRestored, type ExpectedEntry, type RestoredTree } from '../../volume/compare-restored.ts'
import { EVERYTHING } from '../../volume/tree/chosen-paths.ts'
import type { TreeSource } from '../read/tree-source.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import type { Repository } from '../repository/repository.ts'
import { Damage } from './damage.ts'
import { linkItems, type RestoreItem } from './link-items.ts'
import { walkSnapshot } from './walk-snapshot.ts'

export interface ComparedSnapshot {
  /** A repository whose index is loaded. */
  source: TreeSource & Pick<Repository, 'blobSize'>
  volume: VolumeTree
}

/**
 * Compares a restored volume with the trees of its snapshot, and the content of each file with the ids of its blobs, which are
 * their sha256. Reads no content from the repository.
 * @throws SNAPSHOT_CORRUPT if a tree is damaged, and what compareRestored() throws
 */
export async function compareSnapshot({ source, volume }: ComparedSnapshot, tree: RestoredTree) {
  const damage = new Damage()
  const walk = walkSnapshot({ source, chosen: EVERYTHING, damage, signal: tree.signal }, volume.tree)
  const compared = await compareRestored(tree, listExpected(source, linkItems(walk)))
  if (damage.found) throw damage.asError()
  return compared
}

async function* listExpected(
  source: ComparedSnapshot['source'],
  batches: AsyncIterable<RestoreItem[]>,
): AsyncGenerator<ExpectedEntry> {
  for await (const items of batches) for (const item of items) yield toExpected(source, item)
}

function toExpected(
  source: ComparedSnapshot['source'],
  { node: { entry }, content, linkTo }: RestoreItem,
): ExpectedEntry {
  const { path, mode, uid, gid, size } = entry
  const linkTarget = linkTo ?? entry.linkTarget
  const type = linkTo ? 'hardlink' : entry.type
  return { path, type, mode, uid, gid, size, linkTarget, content: listParts(source, content) }
}

/** One after the other, because a file can have millions. A blob that is not in the index has nothing to compare. */
function* listParts(source: ComparedSnapshot['source'], content: readonly Buffer[]) {
  for (const id of content) yield { length: source.blobSize('data', id) ?? 0, sha256: id }
}
