import { namedSteps } from '../../../lib/steps.ts'
import { checkArchiveName } from '../../../store/layout.ts'
import type { MadeBackup, NewBackup } from '../../../store/new-backup.ts'
import { listBackupHooks } from '../../../wire/hook.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { openRunStore } from '../open-run-store.ts'
import { closeOnFailure, openRunHooks, type RunHooks } from '../run-hooks.ts'
import { readClockDoubt } from './clock-doubt.ts'
import { openRunVolume } from './open-run-volume.ts'
import { listPartialReasons } from './reasons.ts'
import { collectWarnings, type Warnings } from './warnings.ts'

/**
 * Makes a backup of a volume, of the kind that the job's mode names. If this throws, the store has no new backup.
 * @throws what the steps throw, each with the step's name: FORBIDDEN, VOLUME_MISSING, VOLUME_LOCKED, HOOK_FAILED, and
 * what Store.startBackup() and NewBackup.make() throw
 */
export async function backUp(args: BackupArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot back up "${args.path}"`, context.signal)
  checkArchiveName(args.archive)
  using volume = await step('check the volume', () => openRunVolume(args.path, context))
  await using _claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const store = await step('open the store', () => openRunStore(context, (message) => context.warn(message)))
  const warnings = collectWarnings(context)
  const hooks = await step('check the hooks', () => openHooks(args, context, { volume, warnings }))
  await using backup = await store.startBackup({
    args,
    volume,
    run: context,
    warnings,
    step,
    listReasons: (seen, suspect) => listPartialReasons({ context, warnings, hooks }, seen, suspect),
  })
  const make = async () => {
    await step('run pre_run', () => hooks.begin(backup.name))
    return await backup.make(readClockDoubt(context, warnings))
  }
  return await withHooks(hooks, context, make)
}

function openHooks(
  args: BackupArgs,
  context: RunContext,
  { volume, warnings }: { volume: { path: string }; warnings: Warnings },
): Promise<RunHooks> {
  const { containers } = args
  const written = listBackupHooks(args, context.options)
  const env = {
    BACKUPD_HOOK_RUN: context.rid,
    BACKUPD_HOOK_APP: args.app,
    BACKUPD_HOOK_PROC: args.proc,
    BACKUPD_HOOK_VOLUME: args.volume,
  }
  const warn = (message: string) => warnings.add(message)
  return openRunHooks({ volume: volume.path, written, containers, env, warn }, context)
}

/** However it ends, the hooks that close what `pre_run` began are run before this returns or throws. */
async function withHooks(
  hooks: RunHooks,
  context: RunContext,
  make: () => ReturnType<NewBackup['make']>,
): Promise<RunOutcome> {
  const made = await closeOnFailure(hooks, context, make)
  const failures = await hooks.finish(made.info.state)
  for (const failure of failures) context.warn(failure)
  return describeOutcome(made, hooks, failures)
}

function describeOutcome(
  { info, reasons, counts, changedWhileRead, held }: MadeBackup,
  { ended }: RunHooks,
  failures: readonly string[],
): RunOutcome {
  const made = { file: info.name, size: info.size, backup: info, ...counts, changedWhileRead }
  return {
    state: failures.length > 0 ? 'partial' : info.state,
    reason: [...reasons, ...failures].join('; '),
    result: { ...made, ...(held && { changed: [held] }), ...(ended.length > 0 && { hooks: [...ended] }) },
  }
}
