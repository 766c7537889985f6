import { namedSteps } from '../../../lib/steps.ts'
import { checkArchiveName } from '../../../store/layout.ts'
import type { MadeBackup } from '../../../store/new-backup.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { openRunStore } from '../open-run-store.ts'
import { readClockDoubt } from './clock-doubt.ts'
import { openRunVolume } from './open-run-volume.ts'
import { listPartialReasons } from './reasons.ts'
import { collectWarnings } from './warnings.ts'

/**
 * Makes a backup of a volume, of the kind that the job's mode names. If this throws, the store has no new backup.
 * @throws what the steps throw, each with the step's name: FORBIDDEN, VOLUME_MISSING, VOLUME_LOCKED, and what
 * Store.startBackup() and NewBackup.make() throw
 */
export async function backUp(args: BackupArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot back up "${args.path}"`, context.signal)
  checkArchiveName(args.archive)
  using volume = await step('check the volume', () => openRunVolume(args.path, context))
  await using _claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const store = await step('open the store', () => openRunStore(context, (message) => context.warn(message)))
  const warnings = collectWarnings(context)
  await using backup = await store.startBackup({
    args,
    volume,
    run: context,
    warnings,
    step,
    listReasons: (seen, suspect) => listPartialReasons({ args, context, warnings }, seen, suspect),
  })
  return describeOutcome(await backup.make(readClockDoubt(context, warnings)))
}

function describeOutcome({ info, reasons, counts, changedWhileRead, held }: MadeBackup): RunOutcome {
  const made = { file: info.name, size: info.size, backup: info, ...counts, changedWhileRead }
  return {
    state: info.state,
    reason: reasons.join('; '),
    result: { ...made, ...(held && { changed: [held] }) },
  }
}
