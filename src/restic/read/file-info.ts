import { bytesToText } from '../../lib/byte-paths.ts'
import { isoTimeOfNs } from '../../lib/clock.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { FileInfo } from '../../wire/backup.ts'

/** Converts an entry to the shape that lists show. */
export function toFileInfo(entry: TreeEntry): FileInfo {
  const { path, type, size, mode, uid, gid, mtimeNs, linkTarget } = entry
  return {
    path: bytesToText(path),
    type,
    size,
    mode,
    uid,
    gid,
    modified: isoTimeOfNs(mtimeNs),
    linkTarget: linkTarget && bytesToText(linkTarget),
    sha256: null,
  }
}
