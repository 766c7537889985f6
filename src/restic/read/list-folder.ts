import { textToBytes } from '../../lib/byte-paths.ts'
import { componentsOf, splitLast } from '../../volume/tree/write-paths.ts'
import type { FileInfo } from '../../wire/backup.ts'
import type { FilePage } from '../../wire/daemon-api.ts'
import { fileInfoOf } from './file-info.ts'
import { type TreeSource, treeBatches } from './tree-source.ts'
import { folderTree, type VolumeTree } from './volume-tree.ts'

export interface FolderQuestion {
  /** Text form of lib/byte-paths.ts, relative to the volume; empty = its top. */
  path: string
  /** The last path of the page before; empty for the first page. */
  after: string
  limit: number
}

const SLASH = Buffer.from('/')

/**
 * What lies directly in a folder of a volume in a snapshot, by the bytes of its path.
 * Throws NOT_FOUND where there is no such path, BAD_INPUT where it is no directory, SNAPSHOT_CORRUPT.
 */
export async function listSnapshotFolder(
  source: TreeSource,
  volume: VolumeTree,
  { path, after, limit }: FolderQuestion,
): Promise<FilePage> {
  const folder = withoutSlashes(textToBytes(path))
  const tree = await folderTree(source, volume, folder)
  const last = splitLast(textToBytes(after)).name
  const files: FileInfo[] = []
  for await (const nodes of treeBatches(source, tree, folder)) {
    for (const { name, entry } of nodes) {
      if (name.compare(last) <= 0) continue
      if (files.length === limit) return { files, next: files.at(-1)?.path ?? null }
      files.push(fileInfoOf(entry))
    }
  }
  return { files, next: null }
}

function withoutSlashes(path: Buffer): Buffer {
  return Buffer.concat(componentsOf(path).flatMap((name, n) => (n === 0 ? [name] : [SLASH, name])))
}
