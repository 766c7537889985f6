import { isUtf8 } from 'node:buffer'
import { bytesToText } from '../../../lib/byte-paths.ts'
import type { TreeEntry } from '../../tree/entry.ts'

/** Takes from an entry what the format cannot hold. Says of each what and why, as a warning does. */
export function leaveOut(entry: TreeEntry): string[] {
  const strange = entry.xattrs.filter(({ name }) => !isUtf8(name))
  if (strange.length === 0) return []
  entry.xattrs = entry.xattrs.filter(({ name }) => isUtf8(name))
  return strange.map(
    ({ name }) => `its extended attribute ${bytesToText(name)} is left out: its name is not UTF-8`,
  )
}
