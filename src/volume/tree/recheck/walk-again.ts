// recheck/ checks a walk after its end: it finds entries that were moved out of sight during the walk (missed.ts,
// walk-missed.ts, warn-of-missed.ts), and files that changed since the run began (changed-files.ts). walk-log.ts
// records what the walk saw, in a temporary file. Full and increment backups (src/archive, src/restic/write) use it.
// It reads names and times only, never content.

import type { WalkOptions } from '../inspector.ts'
import type { OpenVolume } from '../volume.ts'
import { findMissed, type Missed } from './missed.ts'
import type { RecheckSteps } from './recheck-steps.ts'
import type { WalkLog } from './walk-log.ts'
import { warnOfMissed } from './warn-of-missed.ts'

export interface WalkAgainOptions extends Omit<WalkOptions, 'part'> {
  log: WalkLog
  /** When the run began. */
  beginNs: bigint
  steps: RecheckSteps
}

/**
 * After a walk: an entry that was moved from a directory not read yet into one already read was seen in neither. So
 * directories that changed are walked again for names that are new in them. Entries that appear even later only cause
 * warnings.
 */
export async function walkAgain(
  volume: OpenVolume,
  options: WalkAgainOptions,
  keep: (missed: Missed) => Promise<void>,
): Promise<void> {
  const missed = await findMissed(volume, options.log, options)
  if (missed.folders.size === 0) return
  await keep(missed)
  await warnOfMissed(volume, await findMissed(volume, options.log, options), options)
}
