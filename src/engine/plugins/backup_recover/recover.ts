import { type ResolvedVolume, resolveVolume } from '../../../lib/allowed-paths.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { namedSteps, type Steps } from '../../../lib/steps.ts'
import { type UnpackInput, type UnpackSummary, unpackArchive } from '../../../storage/archive/unpack.ts'
import { copyMirror } from '../../../storage/mirror/copy-mirror.ts'
import { openStore, type StoredBackup } from '../../../storage/store/store.ts'
import { putInPlace } from '../../../storage/swap/put-in-place.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../storage/swap/staging.ts'
import { swapIn } from '../../../storage/swap/swap.ts'
import { type ChosenFiles, chosenFiles, EVERYTHING } from '../../../storage/tree/chosen-paths.ts'
import type { TreeEntry, TreeWarning } from '../../../storage/tree/entry.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { refuseOwnFolders } from '../own-folders.ts'
import { checkRoom } from './check-room.ts'
import { checkUsers } from './check-users.ts'
import { membersOf } from './members-of.ts'

/** One recover under way. */
interface Recover extends Steps {
  args: RecoverArgs
  context: RunContext
  backup: StoredBackup
  volume: ResolvedVolume
  /** null for all of it, in place of all that is there. */
  chosen: ChosenFiles | null
  /** For what is looked at twice. */
  warnOnce(message: string): void
}

/**
 * Checks, stages, unpacks; then swaps the whole content, or puts what was chosen in place, name by name. The volume is
 * as it was when this throws, but for names that were put in place already.
 * @throws what the steps throw, each with the step's name: NOT_FOUND, FORBIDDEN, VOLUME_MISSING, VOLUME_IN_USE,
 * VOLUME_LOCKED, NO_ROOM, ARCHIVE_CORRUPT, ARCHIVE_UNSAFE, ARCHIVE_EMPTY, CONFLICT
 */
export async function recover(args: RecoverArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot recover "${args.backup}"`, context.signal)
  const backup = await step('find the backup', () => findBackup(args, context))
  const volume = await step('check the volume', () =>
    checkVolume(args.destDir || backup.info.source, context),
  )
  await using claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const chosen = args.files && chosenFiles(args.files)
  const run: Recover = { args, context, backup, volume, chosen, step, warnOnce: warnerOnce(context) }
  warnOfBackup(run)
  await step('check for room', () => checkRoom(backup, volume))
  await step('look for users', () => checkInUse(run))
  await using staging = await step('stage', () =>
    prepareStaging(claim, { rid: context.rid, exists: volume.exists }),
  )
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

function warnerOnce(context: RunContext): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (!said.has(message)) context.warn(message)
    said.add(message)
  }
}

async function fillAndSwap(run: Recover, staging: Staging): Promise<RunOutcome> {
  const { context, step } = run
  for (const path of staging.leftOver)
    context.warn(`"${path}" was left by a recover that is not known here; see to it`)
  const summary = await step('unpack', () => fill(run, staging).catch((error) => noteCorruption(run, error)))
  const missing = run.chosen ? noteMissing(run, run.chosen) : 0
  // They may have come while it was unpacked.
  await step('look for users again', () => checkInUse(run))
  const refused = await step('swap', () => putBack(run, staging, summary))
  return outcomeOf(summary, refused + missing)
}

async function findBackup(
  { namespace, backup, snapshot }: RecoverArgs,
  context: RunContext,
): Promise<StoredBackup> {
  const { settings, clock } = context
  const store = await openStore(settings.store, settings, clock, { warn: (message) => context.warn(message) })
  const found = await store.find(namespace, backup)
  if (!found) throw new BackupdError('NOT_FOUND', `there is no backup of this name in ${namespace}`)
  if (snapshot !== null) throw new BackupdError('BAD_INPUT', 'it has no snapshots to pick from')
  return found
}

async function checkVolume(path: string, { settings }: RunContext): Promise<ResolvedVolume> {
  if (path === '') throw new BackupdError('BAD_INPUT', 'where it was made is not known: give destDir')
  const volume = await resolveVolume(path, settings)
  await refuseOwnFolders(volume.path, settings)
  return volume
}

function warnOfBackup({ backup, volume, context }: Recover): void {
  const { info } = backup
  if (info.state === 'partial')
    context.warn('the backup is partial: what it lacks stands in the record that made it')
  if (info.suspect !== null) context.warn(`the backup is suspect: ${info.suspect}`)
  if (!volume.exists) context.warn(`the volume "${volume.path}" was not there and is made`)
}

async function checkInUse({ args, volume, warnOnce }: Recover): Promise<void> {
  if (volume.exists) await checkUsers(volume.path, { inUse: args.inUse ?? 'refuse', warn: warnOnce })
}

/** Puts what is wanted into the staging, from wherever the backup keeps it. */
async function fill(run: Recover, { target }: Staging): Promise<UnpackSummary> {
  const { backup, chosen, context } = run
  const { manifest, mirror } = backup
  context.progress({
    phase: 'unpack',
    bytesTotal: chosen ? null : (manifest?.bytes ?? null),
    filesTotal: chosen ? null : (manifest?.files ?? null),
  })
  const into: Filling = {
    target,
    signal: context.signal,
    onProgress: ({ bytes, files, path }) =>
      context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
    onWarning: (warning) => warnOf(context, warning),
  }
  if (!mirror) return await unpack(run, into)
  return await mirror.withFolder((folder) =>
    copyMirror({ ...into, mirror: folder, chosen: chosen ?? EVERYTHING }),
  )
}

type Filling = Pick<UnpackInput, 'target' | 'signal' | 'onProgress' | 'onWarning'>

async function unpack({ backup, chosen }: Recover, into: Filling): Promise<UnpackSummary> {
  const { manifest } = backup
  await using archive = await backup.openObject()
  return await unpackArchive({
    ...into,
    archive,
    expected: manifest && { size: manifest.size, sha256: manifest.sha256 },
    members: await membersOf(backup),
    chosen: chosen ?? undefined,
  })
}

function warnOf(context: RunContext, { path, message }: TreeWarning): void {
  context.warn(`${bytesToText(path)}: ${message}`)
}

/** What was named and is not there. @throws NOT_FOUND where nothing is */
function noteMissing({ context }: Recover, chosen: ChosenFiles): number {
  const missing = chosen.missing()
  for (const path of missing) context.warn(`${path}: is not in the backup`)
  if (!chosen.sawNothing()) return missing.length
  const named = missing.slice(0, 5).map((path) => `"${path}"`)
  throw new BackupdError('NOT_FOUND', `nothing of what was named is in the backup: ${named.join(', ')}`)
}

/** What proved corrupt is marked so in the store, or a backup nobody can recover would go on counting as good. */
async function noteCorruption({ backup, context }: Recover, error: unknown): Promise<never> {
  if (error instanceof BackupdError && error.code === 'ARCHIVE_CORRUPT') {
    try {
      await backup.markCorrupt(error.message)
    } catch (failure) {
      context.warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
    }
  }
  throw error
}

/** Returns how much could not be put back exactly. */
async function putBack(run: Recover, staging: Staging, { root }: UnpackSummary): Promise<number> {
  const { context, volume, chosen } = run
  context.progress({ phase: 'swap', currentPath: null })
  if (!chosen || !volume.exists) return swap(run, staging, root)
  const { faults } = await putInPlace({
    staging,
    isChosen: (path) => chosen.of(path) === 'all',
    signal: context.signal,
    onWarning: (warning) => warnOf(context, warning),
  })
  return faults
}

async function swap({ context, volume }: Recover, staging: Staging, root: TreeEntry | null): Promise<number> {
  const warn = (message: string) => context.warn(message)
  let refused = 0
  const onRefused = (message: string) => {
    refused++
    warn(`${volume.path}: ${message}`)
  }
  await swapIn(staging, { root, signal: context.signal, warn, onRefused })
  return refused
}

function outcomeOf({ entries, bytes, faults }: UnpackSummary, refused: number): RunOutcome {
  const inexact = faults + refused
  return {
    state: inexact === 0 ? 'success' : 'partial',
    reason: inexact === 0 ? '' : `${inexact} entries could not be restored exactly; the warnings name them`,
    result: { entriesRestored: entries, bytesRestored: bytes },
  }
}
