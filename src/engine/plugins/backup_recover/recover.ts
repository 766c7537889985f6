import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { namedSteps, type Steps } from '../../../lib/steps.ts'
import { openStore } from '../../../store/open-store.ts'
import type { Filling, OpenedBackup, Reader, StoredBackup } from '../../../store/stored-backup.ts'
import { resolveVolume } from '../../../volume/allowed-paths.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { checkUsers } from '../../../volume/swap/check-users.ts'
import { withProtectedList } from '../../../volume/swap/protected-list.ts'
import { putInPlace } from '../../../volume/swap/put-in-place.ts'
import { protectionLost } from '../../../volume/swap/root-metadata.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../volume/swap/staging.ts'
import { stagingPlace } from '../../../volume/swap/staging-folders.ts'
import { swapIn } from '../../../volume/swap/swap.ts'
import { type ChosenFiles, chosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { TreeWarning } from '../../../volume/tree/entry.ts'
import type { OnProtected } from '../../../volume/tree/on-protected.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { refuseOwnFolders } from '../own-folders.ts'
import { warningText } from '../warning-text.ts'
import { checkRoom } from './check-room.ts'
import { copy, mayCopy, warnOfCopy, wouldCopy } from './in-place.ts'

/** One recover under way. */
interface Recover extends Steps {
  args: RecoverArgs
  context: RunContext
  source: OpenedBackup
  volume: HeldVolume
  /** null for all of it, in place of all that is there. */
  chosen: ChosenFiles | null
  /** For what is looked at twice. */
  warnOnce(message: string, kind?: string): void
}

/**
 * Checks, stages, unpacks; then swaps the whole content, or puts what was chosen in place, name by name. The volume is
 * as it was when this throws, but for names that were put in place already, and VOLUME_LOCKED.
 * @throws what the steps throw, each with the step's name: NOT_FOUND, FORBIDDEN, VOLUME_MISSING, VOLUME_IN_USE,
 * VOLUME_LOCKED, NO_ROOM, ARCHIVE_CORRUPT, ARCHIVE_UNSAFE, ARCHIVE_EMPTY, CONFLICT, SNAPSHOT_CORRUPT, REPOSITORY_PASSWORD,
 * REPOSITORY_DAMAGED, REPOSITORY_LOCKED
 */
export async function recover(args: RecoverArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot recover "${args.backup}"`, context.signal)
  await using backup = await step('find the backup', () => findBackup(args, context))
  await using source = await step('find the backup', () => backup.open(args.snapshot, readerOf(context)))
  using volume = await step('check the volume', () =>
    openTarget(args.destDir || homeOf(args, source), context),
  )
  if (args.plan) return await step('plan', () => plan(args, context, { source, volume }))
  await using claim = await step('claim the volume', () =>
    claimSettledVolume(context, volume.path, args.inUse === 'proceed' ? 'proceed' : 'if-unused'),
  )
  const chosen = args.files && chosenFiles(args.files)
  const run: Recover = { args, context, source, volume, chosen, step, warnOnce: warnerOnce(context) }
  warnOfBackup(run)
  await step('check for room', () => checkRoom({ source, volume, chosen, signal: context.signal }))
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

/** Changes nothing, and says of what was named what the recover would. */
async function plan(
  args: RecoverArgs,
  context: RunContext,
  { source, volume }: Pick<Recover, 'source' | 'volume'>,
): Promise<RunOutcome> {
  const path = volume.exists ? volume.place : null
  const chosen = args.files && chosenFiles(args.files)
  const { signal } = context
  const how = await wouldCopy(args, context, volume)
  const { plan, refused } = await source.plan({
    path,
    chosen,
    signal,
    warn: (message) => context.warn(message),
  })
  const missing = noteMissing(context, chosen)
  return { ...endOf(refused + missing), result: { plan: { ...plan, ...how } } }
}

function warnerOnce(context: RunContext): Recover['warnOnce'] {
  const said = new Set<string>()
  return (message, kind = message) => {
    if (!said.has(kind)) context.warn(message)
    said.add(kind)
  }
}

async function fillAndSwap(run: Recover, staging: Staging): Promise<RunOutcome> {
  const { context, step } = run
  for (const path of staging.leftOver)
    context.warn(`"${path}" was left by a recover that is not known here; see to it`)
  const summary = await step('unpack', () => fill(run, staging))
  const missing = await step('unpack', () => noteMissing(context, run.chosen))
  // They may have come while it was unpacked.
  await step('look for users again', () => checkInUse(run))
  const refused = await step('swap', () => putBack(run, staging, summary))
  return outcomeOf(summary, refused + missing)
}

async function findBackup({ namespace, backup }: RecoverArgs, context: RunContext): Promise<StoredBackup> {
  const { settings, clock } = context
  const { warn } = readerOf(context)
  const store = await openStore(settings.store, settings, clock, { warn })
  const found = await store.find(namespace, backup)
  if (found) return found
  throw new BackupdError('NOT_FOUND', `there is no backup of this name in ${namespace}`)
}

function readerOf(context: RunContext): Reader {
  const { settings, signal } = context
  return { dataDir: settings.dataDir, signal, warn: (message) => context.warn(message) }
}

/** A legacy backup goes back where `.meta` says it was made, if a job of this daemon backs that directory up. */
function homeOf({ jobPaths = [] }: RecoverArgs, { legacySource }: OpenedBackup): string {
  if (legacySource !== null && jobPaths.includes(legacySource)) return legacySource
  const what = 'no job of this daemon backs up the volume that it is named after'
  throw new BackupdError('BAD_INPUT', `${what}. Migrate it to a volume of the inventory, or give destDir`)
}

/** Opens the volume for the whole run; it may be missing. */
async function openTarget(path: string, { settings }: RunContext): Promise<HeldVolume> {
  const volume = await resolveVolume(path, settings)
  try {
    await refuseOwnFolders(volume.path, settings)
    return volume
  } catch (error) {
    volume[Symbol.dispose]()
    throw error
  }
}

function warnOfBackup({ source, volume, context }: Recover): void {
  if (source.state === 'partial')
    context.warn('the backup is partial: what it lacks stands in the record that made it')
  if (source.suspect !== null) context.warn(`the backup is suspect: ${source.suspect}`)
  if (!volume.exists) context.warn(`the volume "${volume.path}" was not there and is made`)
}

async function checkInUse({ args, volume, warnOnce }: Recover): Promise<void> {
  if (volume.exists) await checkUsers(volume.currentPath(), { inUse: args.inUse ?? 'refuse', warn: warnOnce })
}

/** Puts what is wanted into the staging, from wherever the backup keeps it. */
async function fill(
  { source, chosen, context }: Recover,
  { target, pointer, volume }: Staging,
): Promise<UnpackSummary> {
  const totals = chosen ? null : source.totals
  context.progress({
    phase: 'unpack',
    bytesTotal: totals?.bytes ?? null,
    filesTotal: totals?.files ?? null,
  })
  const into: Filling = {
    target,
    signal: context.signal,
    onProgress: ({ bytes, files, path }) =>
      context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
    onWarning: (warning) => warnOf(context, warning),
  }
  return await withProtectedList(stagingPlace(pointer, volume), async (list) => {
    const onProtected: OnProtected = (path, flags) => list.add(path, flags)
    return await source.restore({ ...into, onProtected }, chosen)
  })
}

function warnOf(context: RunContext, warning: TreeWarning): void {
  context.warn(warningText(warning))
}

/** What was named and is not there. @throws NOT_FOUND where nothing is */
function noteMissing(context: RunContext, chosen: ChosenFiles | null): number {
  if (!chosen) return 0
  const missing = chosen.missing()
  for (const path of missing) context.warn(`${path}: is not in the backup`)
  if (!chosen.sawNothing()) return missing.length
  const named = missing.slice(0, 5).map((path) => `"${path}"`)
  const hint = missing.some((path) => path.includes('*'))
    ? '. Patterns are not taken: name files or directories'
    : ''
  throw new BackupdError(
    'NOT_FOUND',
    `nothing of what was named is in the backup: ${named.join(', ')}${hint}`,
  )
}

/** Returns how much could not be put back exactly. */
async function putBack(run: Recover, staging: Staging, summary: UnpackSummary): Promise<number> {
  const { context, volume, chosen } = run
  if (staging.refusedRename !== null) return await copy(context, staging, summary)
  context.progress({ phase: 'swap', currentPath: null })
  if (!chosen || !volume.exists) return swap(run, staging, summary)
  const { faults } = await putInPlace({
    staging,
    isChosen: (path) => chosen.of(path) === 'all',
    signal: context.signal,
    onWarning: (warning) => warnOf(context, warning),
  })
  return faults
}

async function swap(
  { context, volume }: Recover,
  staging: Staging,
  { root, faults: unpackFaults }: UnpackSummary,
): Promise<number> {
  const warn = (message: string) => context.warn(message)
  const lost = protectionLost(volume.path, root?.flags)
  if (lost) warn(lost)
  let refused = 0
  const onRefused = (message: string) => {
    refused++
    warn(`${volume.path}: ${message}`)
  }
  await swapIn(staging, { root, unpackFaults, signal: context.signal, warn, onRefused })
  return refused
}

function outcomeOf({ entries, bytes, faults }: UnpackSummary, refused: number): RunOutcome {
  return { ...endOf(faults + refused), result: { entriesRestored: entries, bytesRestored: bytes } }
}

function endOf(inexact: number): Pick<RunOutcome, 'state' | 'reason'> {
  if (inexact === 0) return { state: 'success', reason: '' }
  const reason = `${inexact} entries could not be restored exactly; the warnings name them`
  return { state: 'partial', reason }
}
