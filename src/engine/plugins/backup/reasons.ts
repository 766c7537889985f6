import type { SeenVolume } from '../../../store/new-backup.ts'
import type { RunContext } from '../../plugin.ts'
import type { RunHooks } from '../run-hooks.ts'
import { warnOfChanged } from './changed-while-read.ts'
import type { Warnings } from './warnings.ts'

interface Run {
  context: Pick<RunContext, 'options'>
  warnings: Warnings
  hooks: RunHooks
}

/** Lists why a backup is partial, empty if it is not, and adds a warning for each reason. Runs `post_run` first. */
export async function listPartialReasons(
  { context, warnings, hooks }: Run,
  { faults, notKept, changedWhileRead }: SeenVolume,
  suspect: string | null,
): Promise<string[]> {
  const failures = await hooks.afterReading()
  const reasons: string[] = []
  if (faults > 0)
    reasons.push(`${faults} files could not be read, or changed meanwhile; the warnings name them`)
  if (suspect !== null) reasons.push(suspect)
  if (hooks.whyNotRun !== undefined) reasons.push(`its hooks were not run: ${hooks.whyNotRun}`)
  reasons.push(...failures)
  const changed = warnOfChanged(changedWhileRead)
  if (changed !== undefined && context.options.consistency === 'strict') reasons.push(changed)
  else if (changed !== undefined) warnings.add(changed)
  for (const reason of reasons.slice(faults > 0 ? 1 : 0)) warnings.add(reason)
  for (const what of notKept) warnings.add(`${what}: cannot be kept on this machine`)
  return reasons
}
