import type { WalkOptions } from '../looker.ts'
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
