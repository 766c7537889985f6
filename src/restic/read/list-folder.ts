import { SLASH_BYTES, textToBytes } from '../../lib/byte-paths.ts'
import { splitComponents, splitLast } from '../../volume/tree/write-paths.ts'
import type { FileInfo } from '../../wire/backup.ts'
import type { FilePage } from '../../wire/daemon-api.ts'
import { toFileInfo } from './file-info.ts'
import { type TreeSource, treeBatches } from './tree-source.ts'
import { findFolderTree, type VolumeTree } from './volume-tree.ts'

export interface TreeFolderQuestion {
  /** Text form of lib/byte-paths.ts, relative to the volume; empty = its top. */
  path: string
  /** The last path of the previous page; empty for the first page. */
  after: string
  limit: number
}

/**
 * Lists the entries of a folder of the volume, in the order of the bytes of their names.
 * Throws NOT_FOUND if the path does not exist, BAD_INPUT if it is not a directory, SNAPSHOT_CORRUPT.
 */
export async function listSnapshotFolder(
  source: TreeSource,
  volume: VolumeTree,
  { path, after, limit }: TreeFolderQuestion,
): Promise<FilePage> {
  const folder = withoutSlashes(textToBytes(path))
  const tree = await findFolderTree(source, volume, folder)
  const last = splitLast(textToBytes(after)).name
  const files: FileInfo[] = []
  for await (const nodes of treeBatches(source, tree, folder)) {
    for (const { name, entry } of nodes) {
      if (name.compare(last) <= 0) continue
      if (files.length === limit) return { files, next: files.at(-1)?.path ?? null }
      files.push(toFileInfo(entry))
    }
  }
  return { files, next: null }
}

function withoutSlashes(path: Buffer): Buffer {
  return Buffer.concat(splitComponents(path).flatMap((name, n) => (n === 0 ? [name] : [SLASH_BYTES, name])))
}
