import { bytesToText } from '../../lib/byte-paths.ts'
import { isoTimeOfNs } from '../../lib/clock.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { FileInfo } from '../../wire/backup.ts'

/** An entry as lists show it. */
export function fileInfoOf(entry: TreeEntry): FileInfo {
  const { path, type, size, mode, uid, gid, mtimeNs, linkTarget } = entry
  return {
    ...{ path: bytesToText(path), type, size, mode, uid, gid },
    modified: isoTimeOfNs(mtimeNs),
    linkTarget: linkTarget && bytesToText(linkTarget),
    sha256: null,
  }
}
