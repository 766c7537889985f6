import type { TreeEntry } from './entry.ts'
import type { FlagsFound } from './inode-flags.ts'
import type { Losses } from './losses.ts'

/** Adds the flags to the entry, and counts the settings that a backup does not keep. */
export function noteFlags(
  { losses }: { losses: Losses },
  entry: TreeEntry,
  found: FlagsFound | undefined,
): void {
  if (!found) return
  if (found.flags !== 0) entry.flags = found.flags
  if (found.project !== 0) losses.add('the project ids (project quotas) of % are not kept', entry.path)
  if (found.unkept) losses.add('case folding, DAX, encryption or verity of % is not kept', entry.path)
}
