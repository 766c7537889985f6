import { BackupdError } from '../../../lib/errors.ts'
import { namedSteps } from '../../../lib/steps.ts'
import { chosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import { checkRecoverDirectory } from '../../../wire/recover-directory.ts'
import type { DaemonFacts, RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { checkKeptRoom, watchKeptRoom } from './kept-room.ts'
import { openNewDirectory } from './new-directory.ts'
import { createReader, openBackupToRecover } from './open-backup.ts'
import { createWarnOnce, stageAndSwap, warnOfBackup } from './recover.ts'
import { parseRecoverArgs } from './recover-args.ts'

/** Throws BAD_INPUT. */
export function parseElsewhereArgs(raw: Readonly<Record<string, unknown>>): RecoverArgs {
  const args = parseRecoverArgs({ ...raw, destDir: checkRecoverDirectory(String(raw.destDir)) })
  const { plan, planHash, onRefusedRename, hooks, keepOldMs } = args
  const isPlanned = plan === true || planHash !== undefined
  if (!isPlanned && onRefusedRename !== 'in-place' && hooks === undefined && keepOldMs === undefined)
    return args
  const what = 'A recover into a new folder touches no volume'
  throw new BackupdError(
    'BAD_INPUT',
    `${what}: leave "plan", "planHash", "onRefusedRename", "keepOld" and "hooks" out`,
  )
}

/** Adds the volumes of the daemon's jobs, in which nothing may be recovered. */
export function fillJobPaths(raw: Readonly<Record<string, unknown>>, { jobs }: DaemonFacts) {
  const volumes = jobs.filter(({ action }) => action === 'backup')
  return { ...raw, jobPaths: volumes.map(({ args }) => String(args.path)) }
}

/**
 * Restores a backup into a new folder, which gets its name once everything is in it. Until then it is a staging folder
 * with the pointer of a recover, so a killed run is settled like that of a volume that did not exist.
 * @throws what the steps throw, each with the step's name, as runRecover does
 */
export async function runRecoverElsewhere(args: RecoverArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot recover "${args.backup}" into a new folder`, context.signal)
  using volume = await step('check the folder', () => openNewDirectory(args, context.settings))
  await using backup = await step('find the backup', () => openBackupToRecover(args, context))
  await using source = await step('find the backup', () => backup.open(args.snapshot, createReader(context)))
  await using claim = await step('claim the folder', () => claimSettledVolume(context, volume.path))
  const chosen = args.files && chosenFiles(args.files)
  const { parent } = volume
  await step('check for room', () => checkKeptRoom({ source, parent, chosen, signal: context.signal }))
  const watched = watchKeptRoom(context, parent)
  const run = {
    args,
    context: watched,
    source,
    volume,
    chosen,
    step,
    warnOnce: createWarnOnce(context),
    result: {},
  }
  warnOfBackup(run)
  const outcome = await stageAndSwap(run, claim)
  return { ...outcome, result: { ...outcome.result, directory: volume.path } }
}
