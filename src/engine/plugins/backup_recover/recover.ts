import { bytesToText } from '../../../lib/byte-paths.ts'
import { printDuration } from '../../../lib/durations.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { namedSteps, type Steps } from '../../../lib/steps.ts'
import type { OpenedBackup, RestoreTarget } from '../../../store/stored-backup.ts'
import { resolveVolume } from '../../../volume/allowed-paths.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { checkUsers } from '../../../volume/swap/check-users.ts'
import type { KeptNote } from '../../../volume/swap/kept-note.ts'
import type { KeepTime } from '../../../volume/swap/pointer.ts'
import { withProtectedList } from '../../../volume/swap/protected-list.ts'
import { putInPlace } from '../../../volume/swap/put-in-place.ts'
import { describeLostProtection } from '../../../volume/swap/root-metadata.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../volume/swap/staging.ts'
import { stagingPlace } from '../../../volume/swap/staging-folders.ts'
import { swapIn } from '../../../volume/swap/swap.ts'
import type { VolumeClaim } from '../../../volume/swap/volume-claim.ts'
import { type ChosenFiles, chosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { TreeWarning } from '../../../volume/tree/entry.ts'
import type { OnProtected } from '../../../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunResult } from '../../../wire/record.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { describeKept } from '../describe-kept.ts'
import { refuseOwnFolders } from '../own-folders.ts'
import { closeOnFailure } from '../run-hooks.ts'
import { warningText } from '../warning-text.ts'
import { checkRoom, measureRoom } from './check-room.ts'
import { copy, mayCopy, planCopy, warnOfCopy } from './in-place.ts'
import { createReader, openBackupToRecover } from './open-backup.ts'
import { planChanges } from './plan-changes.ts'
import { findPlanned, refuseStalePlan } from './plan-check.ts'
import { closeRecover, openRecoverHooks } from './recover-hooks.ts'

/** One recover under way. */
interface Recover extends Steps {
  args: RecoverArgs
  context: RunContext
  source: OpenedBackup
  volume: HeldVolume
  /** null for a recover of everything, which replaces the whole content. */
  chosen: ChosenFiles | null
  /** For checks that run twice. */
  warnOnce(message: string, kind?: string): void
  /** What is known of the result before the end. */
  result: RunResult
}

/**
 * Checks, stages and unpacks; then swaps the whole content, or puts the chosen files in place, name by name. If this
 * throws, the volume is unchanged, except for names already put in place, and except for VOLUME_LOCKED.
 * @throws what the steps throw, each with the step's name: NOT_FOUND, FORBIDDEN, VOLUME_MISSING, VOLUME_IN_USE,
 * VOLUME_LOCKED, NO_ROOM, HOOK_FAILED, ARCHIVE_CORRUPT, ARCHIVE_UNSAFE, ARCHIVE_EMPTY, CONFLICT, SNAPSHOT_CORRUPT,
 * REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, REPOSITORY_LOCKED, PLAN_STALE
 */
export async function runRecover(args: RecoverArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot recover "${args.backup}"`, context.signal)
  await using backup = await step('find the backup', () =>
    findPlanned(args, () => openBackupToRecover(args, context)),
  )
  await using source = await step('find the backup', () =>
    findPlanned(args, () => backup.open(args.snapshot, createReader(context))),
  )
  using volume = await step('check the volume', () =>
    openTarget(args.destDir || resolveHome(args, source), context),
  )
  if (args.plan) return await step('plan', () => plan(args, context, { source, volume }))
  await using claim = await step('claim the volume', () =>
    claimSettledVolume(context, volume.path, args.inUse === 'proceed' ? 'proceed' : 'if-unused'),
  )
  const chosen = args.files && chosenFiles(args.files)
  const run: Recover = {
    args,
    context,
    source,
    volume,
    chosen,
    step,
    warnOnce: createWarnOnce(context),
    result: {},
  }
  await step('compare with the plan', () => refuseStalePlan(run))
  warnOfBackup(run)
  if (!volume.exists) context.warn(`the volume "${volume.path}" did not exist and is created`)
  await step('check for room', () =>
    checkRoom({ source, volume, chosen, signal: context.signal, dataDir: context.settings.dataDir }),
  )
  const hooks = await step('check the hooks', () => openRecoverHooks(args, context, volume))
  const outcome = await closeOnFailure(hooks, context, async () => {
    await step('run pre_recover', () => hooks.begin(args.backup))
    return await stageAndSwap(run, claim)
  })
  return await closeRecover(outcome, hooks, context)
}

/** `pre_recover` has been run by now, which may have ended the users of the volume. */
export async function stageAndSwap(run: Recover, claim: VolumeClaim): Promise<RunOutcome> {
  const { args, context, volume, chosen, step } = run
  await step('look for users', () => checkInUse(run))
  await using staging = await step('stage', () =>
    prepareStaging(claim, { rid: context.rid, volume, keepsOthers: chosen !== null, mayCopy: mayCopy(args) }),
  )
  warnOfCopy(staging, (message) => context.warn(message))
  try {
    return await fillAndSwap(run, staging)
  } finally {
    await discardStaging(staging).catch((error: unknown) => {
      context.warn(
        `"${staging.pointer.staging}" could not be removed (${messageOf(error)}); the next run tries again`,
      )
    })
  }
}

/** Changes nothing; warns about named files as the recover would. */
async function plan(
  args: RecoverArgs,
  context: RunContext,
  { source, volume }: Pick<Recover, 'source' | 'volume'>,
): Promise<RunOutcome> {
  const chosen = args.files && chosenFiles(args.files)
  const how = await planCopy(args, context, volume)
  warnOfKeeping(args, context)
  const { plan, refused } = await planChanges({ args, context, source, volume }, chosen)
  const missing = noteMissing(context, chosen)
  const room = await measureRoom({ source, volume, chosen, signal: context.signal })
  return { ...describeEnd(refused + missing), result: { plan: { ...plan, ...how, room } } }
}

function warnOfKeeping({ keepOldMs }: RecoverArgs, { warn }: RunContext): void {
  if (keepOldMs === undefined) return
  warn(`what is replaced is kept for ${printDuration(keepOldMs)}: it takes its room as long`)
}

export function createWarnOnce(context: RunContext): Recover['warnOnce'] {
  const warned = new Set<string>()
  return (message, kind = message) => {
    if (!warned.has(kind)) context.warn(message)
    warned.add(kind)
  }
}

async function fillAndSwap(run: Recover, staging: Staging): Promise<RunOutcome> {
  const { context, step } = run
  for (const path of staging.leftOver)
    context.warn(`"${path}" was left by an unknown recover; check it and remove it by hand`)
  const summary = await step('unpack', () => fill(run, staging))
  const missing = await step('unpack', () => noteMissing(context, run.chosen))
  // Users may have appeared during the unpacking.
  await step('look for users again', () => checkInUse(run))
  const refused = await step('swap', () => replaceContent(run, staging, summary))
  const outcome = describeOutcome(summary, refused + missing)
  return { ...outcome, result: { ...outcome.result, ...run.result } }
}

/** A legacy backup goes to the directory named in its `.meta`, if a job of this daemon backs that directory up. */
function resolveHome({ jobPaths = [] }: RecoverArgs, { legacySource }: OpenedBackup): string {
  if (legacySource !== null && jobPaths.includes(legacySource)) return legacySource
  const what = 'no job of this daemon backs up the volume in its name'
  throw new BackupdError('BAD_INPUT', `${what}. Migrate it to a volume of the inventory, or give destDir`)
}

/** Opens the volume and holds it for the whole run; it may not exist yet. */
export async function openTarget(path: string, { settings }: RunContext): Promise<HeldVolume> {
  const volume = await resolveVolume(path, settings)
  try {
    await refuseOwnFolders(volume.path, settings)
    return volume
  } catch (error) {
    volume[Symbol.dispose]()
    throw error
  }
}

export function warnOfBackup({ source, context }: Pick<Recover, 'source' | 'context'>): void {
  if (source.state === 'partial')
    context.warn('the backup is partial: the record of its run lists what is missing')
  if (source.suspect !== null) context.warn(`the backup is suspect: ${source.suspect}`)
}

async function checkInUse({ args, volume, warnOnce }: Recover): Promise<void> {
  if (volume.exists) await checkUsers(volume.currentPath(), { inUse: args.inUse ?? 'refuse', warn: warnOnce })
}

/** Unpacks everything, or the chosen files, into the staging folder. */
export async function fill(
  { source, chosen, context }: Pick<Recover, 'source' | 'chosen' | 'context'>,
  { target, pointer, volume }: Staging,
): Promise<UnpackSummary> {
  const totals = chosen ? null : source.totals
  context.progress({
    phase: 'unpack',
    bytesTotal: totals?.bytes ?? null,
    filesTotal: totals?.files ?? null,
  })
  const into: RestoreTarget = {
    target,
    signal: context.signal,
    onProgress: ({ bytes, files, path }) =>
      context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
    onWarning: (warning) => addWarning(context, warning),
  }
  return await withProtectedList(stagingPlace(pointer, volume), async (list) => {
    const onProtected: OnProtected = (path, flags) => list.add(path, flags)
    return await source.restore({ ...into, onProtected }, chosen)
  })
}

function addWarning(context: RunContext, warning: TreeWarning): void {
  context.warn(warningText(warning))
}

/**
 * Warns about named files that are not in the backup, and returns their number. @throws NOT_FOUND if all are missing
 */
function noteMissing(context: RunContext, chosen: ChosenFiles | null): number {
  if (!chosen) return 0
  const missing = chosen.missing()
  for (const path of missing) context.warn(`${path}: is not in the backup`)
  if (!chosen.foundNothing()) return missing.length
  const named = missing.slice(0, 5).map((path) => `"${path}"`)
  const hint = missing.some((path) => path.includes('*'))
    ? '. Patterns are not supported: name files or directories'
    : ''
  throw new BackupdError('NOT_FOUND', `none of the named files is in the backup: ${named.join(', ')}${hint}`)
}

/** Returns how many entries could not be restored exactly. */
async function replaceContent(run: Recover, staging: Staging, summary: UnpackSummary): Promise<number> {
  const { context, volume, chosen } = run
  if (staging.refusedRename !== null) return await copy(context, staging, summary)
  context.progress({ phase: 'swap', currentPath: null })
  if (!chosen || !volume.exists) return swap(run, staging, summary)
  const { faults } = await putInPlace({
    staging,
    isChosen: (path) => chosen.of(path) === 'all',
    signal: context.signal,
    onWarning: (warning) => addWarning(context, warning),
  })
  return faults
}

async function swap(
  { context, volume, args, result }: Recover,
  staging: Staging,
  { root, faults: unpackFaults }: UnpackSummary,
): Promise<number> {
  const warn = (message: string) => context.warn(message)
  const lost = describeLostProtection(volume.path, root?.flags)
  if (lost) warn(lost)
  let refused = 0
  const onRefused = (message: string) => {
    refused++
    warn(`${volume.path}: ${message}`)
  }
  const onKept = (note: KeptNote) => {
    result.keptOld = describeKept(note)
  }
  const keep = chooseKeepTime(args, context)
  if (keep && !volume.exists) warn('the volume did not exist, so that nothing is kept')
  const { signal } = context
  await swapIn(staging, { root, unpackFaults, signal, warn, onRefused, onKept, keep })
  return refused
}

export function chooseKeepTime(
  { keepOldMs, destDir }: RecoverArgs,
  context: RunContext,
): KeepTime | undefined {
  if (keepOldMs === undefined) return undefined
  const { nowMs, doubt } = readRunTime(context)
  // In doubt, either clock may be right: the copy must last by both.
  const latestMs = Math.max(nowMs, doubt?.wallMs ?? nowMs, doubt?.trustedMs ?? nowMs)
  return { madeMs: Math.round(nowMs), untilMs: Math.round(latestMs) + keepOldMs, path: destDir }
}

function describeOutcome({ entries, files, bytes, faults }: UnpackSummary, refused: number): RunOutcome {
  const result = { entriesRestored: entries, filesRestored: files, bytesRestored: bytes }
  return { ...describeEnd(faults + refused), result }
}

function describeEnd(inexact: number): Pick<RunOutcome, 'state' | 'reason'> {
  if (inexact === 0) return { state: 'success', reason: '' }
  const reason = `${inexact} entries could not be restored exactly; the warnings name them`
  return { state: 'partial', reason }
}
