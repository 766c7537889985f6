import type { WalkOptions } from '../looker.ts'
import type { OpenVolume } from '../volume.ts'
import { findMissed, type Missed } from './missed.ts'
import type { RecheckSteps } from './recheck-steps.ts'
import type { WalkLog } from './walk-log.ts'
import { warnOfMissed } from './warn-of-missed.ts'

export interface WalkAgainOptions extends Omit<WalkOptions, 'part'> {
  log: WalkLog
  /** Of the run. */
  beginNs: bigint
  steps: RecheckSteps
}

/**
 * After a walk: entries can be moved from a directory that was not read yet into one that was, and are then seen in
 * neither. Directories that changed are walked once more, for the names that are new in them; what comes into them
 * later is warned of.
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
