import { join } from 'node:path'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, hasCode, messageOf } from '../../../lib/errors.ts'
import { namedSteps } from '../../../lib/steps.ts'
import type { StoreOptions } from '../../../store/open-store.ts'
import type { DrillCheck, OpenedBackup, StoredBackup } from '../../../store/stored-backup.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../volume/swap/staging.ts'
import {
  type DrillArgs,
  type DrillResult,
  drillArgsSchema,
  MAX_DRILL_BYTES,
  MAX_LISTED_DIFFERENCES,
} from '../../../wire/drill.ts'
import { parseShape } from '../../../wire/json.ts'
import { parseNamespace } from '../../../wire/namespace.ts'
import { requireDrillDir } from '../../drill-dir.ts'
import type { RunContext, RunOutcome, RunSettings } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { DrillTurns } from './drill-turns.ts'
import { checkKeptRoom, watchKeptRoom } from './kept-room.ts'
import { openNewDirectory } from './new-directory.ts'
import { createReader, openBackupToRecover } from './open-backup.ts'
import { fill } from './recover.ts'

/** The folder of all drills of a daemon in --drill-dir. It never comes into being: a drill ends in its staging folder. */
const DRILL_FOLDER = 'backupd-drill'

/** Throws BAD_INPUT. */
export function parseDrillArgs(raw: Readonly<Record<string, unknown>>): DrillArgs {
  const args = parseShape('The args of a drill', raw, drillArgsSchema)
  parseNamespace(args.namespace)
  return args
}

/** One drill at a time: it is locked like a volume. */
export function listDrillNeeds(_args: DrillArgs, { drillDir }: RunSettings): string[] {
  return drillDir === undefined ? [] : [join(drillDir, DRILL_FOLDER)]
}

/**
 * Restores a backup into a staging folder in --drill-dir, compares each entry with its index or tree, and removes the folder. A
 * killed drill is settled like a killed recover into a new folder.
 * @throws what the steps throw, each with the step's name, and ARCHIVE_CORRUPT or SNAPSHOT_CORRUPT if two reads found damage
 */
export async function runDrill(args: DrillArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot drill "${args.backup}"`, context.signal)
  await using backup = await step('find the backup', () => openDrilledBackup(args, context))
  const found = await step('restore and compare', () => drillInTurns(args, context, backup))
  if (!isClean(found)) return await explainFaults(args, context, { backup, ...found })
  await using present = await step('read the proof', () => openDrilledBackup(args, context))
  const { result, snapshot } = found
  return {
    state: 'success',
    reason: '',
    result: { backup: present.info, drill: result, ...(snapshot !== null && { snapshot }) },
  }
}

function openDrilledBackup(
  { namespace, backup }: DrillArgs,
  context: RunContext,
  options: StoreOptions = {},
): Promise<StoredBackup> {
  return openBackupToRecover({ namespace, backup }, context, options)
}

function drillInTurns(args: DrillArgs, context: RunContext, { info }: StoredBackup): Promise<Drilled> {
  const turns = new DrillTurns(context)
  return turns.take(info.series !== null, async (turn) => {
    await using backup = await openDrilledBackup(args, turn, { pace: () => turns.pace() })
    return await restoreAndCompare(args, turn, backup)
  })
}

interface Found {
  result: DrillResult
  /** The error of a restore that found damage, if a verification has to confirm it. */
  damage: BackupdError | null
  faults: number
}

interface Drilled extends Found {
  snapshot: string | null
  isDamageCertain: boolean
}

function isClean({ result, damage, faults }: Found): boolean {
  return damage === null && result.different === 0 && faults === 0
}

/** Also notes the proof, as long as the backup is locked. */
async function restoreAndCompare(
  args: DrillArgs,
  context: RunContext,
  backup: StoredBackup,
): Promise<Drilled> {
  const drillDir = await requireDrillDir(context.settings, args.jobPaths)
  const destDir = join(drillDir, DRILL_FOLDER)
  const settings = { ...context.settings, recoverDir: drillDir }
  using volume = await openNewDirectory({ destDir, jobPaths: args.jobPaths }, settings)
  await using claim = await claimSettledVolume(context, volume.path)
  // Removed once the backup is unlocked: a prune may wait for the lock.
  await using leftover = new AsyncDisposableStack()
  await using source = await backup.open(chooseSnapshot(args, backup), createReader(context))
  const check = requireCheck(source)
  const { parent } = volume
  await checkKeptRoom({ source, parent, chosen: null, signal: context.signal })
  const watched = watchCap(watchKeptRoom(context, parent))
  const staging = leftover.use(await prepareStaging(claim, { rid: context.rid, volume }))
  leftover.defer(() => discard(staging, context))
  const found = await fillAndCompare(watched, { source, check, staging })
  if (isClean(found)) await noteProof(check, context)
  return { ...found, snapshot: source.snapshot, isDamageCertain: check.isDamageCertain }
}

/** Of a series, the newest good one: a damaged or partial one after it must not hide that. */
function chooseSnapshot({ snapshot }: DrillArgs, { info }: StoredBackup): string | null {
  return snapshot || info.series?.lastGood?.id || null
}

async function discard(staging: Staging, context: RunContext): Promise<void> {
  try {
    await discardStaging(staging)
  } catch (error) {
    const what = `"${staging.pointer.staging}" could not be removed (${messageOf(error)})`
    context.warn(`${what}; the next run tries again`)
  }
}

/** That it cannot be noted does not change what the drill found. */
async function noteProof(check: DrillCheck, { rid, warn }: RunContext): Promise<void> {
  try {
    if (!(await check.noteProof(rid))) warn('the proof could not be noted beside the backup')
  } catch (error) {
    warn(`the proof could not be noted beside the backup: ${messageOf(error)}`)
  }
}

async function fillAndCompare(
  context: RunContext,
  { source, check, staging }: { source: OpenedBackup; check: DrillCheck; staging: Staging },
): Promise<Found> {
  try {
    const { faults } = await fill({ source, chosen: null, context }, staging)
    const result = await compareTwiceIfDifferent(check, staging.target, context)
    return { result, faults, damage: null }
  } catch (error) {
    if (check.isDamageCertain || !hasCode(error, 'ARCHIVE_CORRUPT')) throw error
    return { result: NOTHING_COMPARED, faults: 0, damage: error }
  }
}

const NOTHING_COMPARED: DrillResult = { entries: 0, files: 0, bytes: 0, different: 0, differences: [] }

function requireCheck({ drill }: OpenedBackup): DrillCheck {
  if (drill) return drill
  const what = 'only increments and full backups with an index can be drilled: verify it instead'
  throw new BackupdError('BAD_INPUT', what)
}

/** The context of a run that is aborted with NO_ROOM once it has restored more than a drill may. */
function watchCap(context: RunContext): RunContext {
  const full = new AbortController()
  return {
    ...context,
    signal: AbortSignal.any([context.signal, full.signal]),
    progress(change) {
      context.progress(change)
      if ((change.bytesDone ?? 0) <= MAX_DRILL_BYTES) return
      const message = `a drill restores at most ${MAX_DRILL_BYTES} bytes, and the backup has more`
      full.abort(new BackupdError('NO_ROOM', message, { facts: { limit: MAX_DRILL_BYTES, unit: 'bytes' } }))
    },
  }
}

async function compareTwiceIfDifferent(
  check: DrillCheck,
  target: string,
  context: RunContext,
): Promise<DrillResult> {
  const first = await compareOnce(check, target, context)
  return first.different === 0 ? first : await compareOnce(check, target, context)
}

async function compareOnce(check: DrillCheck, target: string, context: RunContext): Promise<DrillResult> {
  const { signal, progress } = context
  progress({ phase: 'compare', bytesDone: 0, filesDone: 0, currentPath: null })
  const differences: string[] = []
  let different = 0
  const done = await check.compare({
    target,
    signal,
    onProgress: ({ bytes, files, path }) =>
      progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
    onDifference(path, what) {
      if (++different <= MAX_LISTED_DIFFERENCES) differences.push(`${path}: ${what}`)
    },
  })
  return { ...done, different, differences }
}

const CHECK_THE_DISK = 'Check the disk of --drill-dir and the memory of the machine'

async function explainFaults(
  args: DrillArgs,
  context: RunContext,
  found: Drilled & { backup: StoredBackup },
): Promise<RunOutcome> {
  const { result, damage, faults, isDamageCertain } = found
  const inexact = `${faults} entries could not be restored exactly; the warnings name them`
  if (damage === null && result.different === 0) return describePartial(found, inexact)
  // What a daemon may not restore, such as an owner, is different as well.
  if (damage === null && faults > 0) return describePartial(found, `${describeDifferent(result)}. ${inexact}`)
  if (!isDamageCertain) return await explainDamage(args, context, found)
  const read = `but what was read from the store is without damage. ${CHECK_THE_DISK}`
  return describePartial(found, `${describeDifferent(result)}, ${read}`)
}

function describeDifferent({ different }: DrillResult): string {
  return `${different} restored entries differ from the backup`
}

/** Lets a verification decide whether the backup is damaged, or what restored it: it reads twice, and marks the backup. */
async function explainDamage(
  { backup: name }: DrillArgs,
  context: RunContext,
  { backup, ...drilled }: Drilled & { backup: StoredBackup },
): Promise<RunOutcome> {
  const { rid, progress } = context
  const { result, damage } = drilled
  progress({ phase: 'verify', currentPath: null })
  const onProgress = ({ bytes, total }: { bytes: number; total: number | null }) =>
    progress({ bytesDone: bytes, bytesTotal: total })
  const verdict = await backup.verify({ ...createReader(context), rid, onProgress })
  if (verdict.outcome === 'corrupt') {
    const { code, message, facts, cause } = verdict.error
    throw new BackupdError(code, `Damage in "${name}": ${message}`, { facts, cause })
  }
  const found = damage ? damage.message : describeDifferent(result)
  const read =
    verdict.outcome === 'verified' ? 'the backup was then read without damage' : 'it could not be read again'
  return describePartial(drilled, `${found}, but ${read}. ${CHECK_THE_DISK}`)
}

function describePartial({ result: drill, snapshot }: Drilled, reason: string): RunOutcome {
  return { state: 'partial', reason, result: { drill, ...(snapshot !== null && { snapshot }) } }
}
