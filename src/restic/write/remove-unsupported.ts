import { isUtf8 } from 'node:buffer'
import { bytesToText } from '../../lib/byte-paths.ts'
import type { TreeEntry, TreeWarning } from '../../volume/tree/entry.ts'
import { formatGoTime, toStorableTime } from '../nodes/go-time.ts'

type LeftOut = Pick<TreeWarning, 'severity' | 'message'>

/** Removes from an entry what the format cannot store. Returns a warning for each. */
export function removeUnsupported(entry: TreeEntry): LeftOut[] {
  const { mtimeNs } = entry
  const strange = entry.xattrs.filter(({ name }) => !isUtf8(name))
  if (strange.length > 0) entry.xattrs = entry.xattrs.filter(({ name }) => isUtf8(name))
  const warnings = strange.map(({ name }): LeftOut => {
    const message = `its extended attribute ${bytesToText(name)} is left out: its name is not UTF-8`
    return { severity: 'fault', message }
  })
  if (toStorableTime(mtimeNs) !== mtimeNs) {
    const message = `its time of change is stored as ${formatGoTime(mtimeNs)}, because a snapshot can only have years from 0 to 9999`
    warnings.push({ severity: 'note', message })
  }
  return warnings
}
