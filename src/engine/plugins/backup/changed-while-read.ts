import { bytesToText } from '../../../lib/byte-paths.ts'
import type { ChangedFiles } from '../../../volume/tree/recheck/changed-files.ts'

const MAX_SHOWN = 3

/** The warning about files that changed while they were read; undefined if none did. */
export function warnOfChanged({ count, names }: ChangedFiles): string | undefined {
  if (count === 0) return undefined
  const shown = names.slice(0, MAX_SHOWN).map(bytesToText).join(', ')
  const more = count > MAX_SHOWN ? ', …' : ''
  return `${count} files changed while the volume was read (${shown}${more}): they may not be consistent with each other. See "Databases" in the documentation`
}
