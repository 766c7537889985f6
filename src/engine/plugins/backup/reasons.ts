import type { SeenVolume } from '../../../store/new-backup.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { warnOfChanged } from './changed-while-read.ts'
import type { Warnings } from './warnings.ts'

interface Run {
  args: BackupArgs
  context: Pick<RunContext, 'options'>
  warnings: Warnings
}

/** Lists why a backup is partial, empty if it is not, and adds a warning for each reason. */
export function listPartialReasons(
  { args, context, warnings }: Run,
  { faults, notKept, changedWhileRead }: SeenVolume,
  suspect: string | null,
): string[] {
  const reasons: string[] = []
  if (faults > 0)
    reasons.push(`${faults} files could not be read, or changed meanwhile; the warnings name them`)
  if (suspect !== null) reasons.push(suspect)
  if (args.preRun !== '' || args.postRun !== '')
    reasons.push('its hooks (preRun, postRun) are not run by this version')
  const changed = warnOfChanged(changedWhileRead)
  if (changed !== undefined && context.options.consistency === 'strict') reasons.push(changed)
  else if (changed !== undefined) warnings.add(changed)
  for (const reason of reasons.slice(faults > 0 ? 1 : 0)) warnings.add(reason)
  for (const what of notKept) warnings.add(`${what}: cannot be kept on this machine`)
  return reasons
}
