import { bytesToText } from '../../../lib/byte-paths.ts'
import { isoTime } from '../../../lib/clock.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { TreeEntry } from '../../tree/entry.ts'

/** Beyond this JavaScript has no dates, while some file systems have. */
const LAST_DATE_MS = 8.64e15

/** An entry as lists show it. */
export function fileInfoOf(entry: TreeEntry): FileInfo {
  const { path, type, size, mode, uid, gid, mtimeNs, linkTarget } = entry
  return {
    ...{ path: bytesToText(path), type, size, mode, uid, gid },
    modified: isoTime(Math.max(-LAST_DATE_MS, Math.min(LAST_DATE_MS, Number(mtimeNs / 1_000_000n)))),
    linkTarget: linkTarget && bytesToText(linkTarget),
    sha256: null,
  }
}
