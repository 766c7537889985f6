import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { namedSteps } from '../../../lib/steps.ts'
import { parseSnapshot } from '../../../restic/nodes/snapshot-file.ts'
import { lockRepository } from '../../../restic/repository/lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { makeSnapshot } from '../../../restic/write/make-snapshot.ts'
import type { SnapshotSummary } from '../../../restic/write/snapshot-input.ts'
import { noteForgotten } from '../../../store/kinds/series/prune-note.ts'
import { noteIfDamaged } from '../../../store/kinds/series/report-damage.ts'
import { lastSequence, type SeriesSnapshot, type SnapshotSeries } from '../../../store/kinds/series/series.ts'
import { infoOfSeries } from '../../../store/kinds/series/series-info.ts'
import { checkArchiveName } from '../../../store/layout.ts'
import { findOwnStaging } from '../../../volume/swap/find-own-staging.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunResult } from '../../../wire/record.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { warningText } from '../warning-text.ts'
import { openRunStore, openRunVolume } from './begin.ts'
import { describeChanged } from './changed-while-read.ts'
import { readClockDoubt } from './clock-doubt.ts'
import { describeSnapshot, type Increment } from './describe-snapshot.ts'
import { planReread } from './plan-reread.ts'
import { type TakeOver, takeOverMirror } from './take-over-mirror.ts'
import { collectWarnings } from './warnings.ts'

/** A slice of a prune locks the repository only for moments; a restic that a user runs may hold it longer. */
const LOCK_WAIT_MS = 10 * 60_000

/**
 * Locks the repository, makes the snapshot and reads it back. The snapshot file is written last, when all data is on
 * disk.
 * @throws what the steps throw, each with the step's name: FORBIDDEN, VOLUME_MISSING, VOLUME_LOCKED, STORE_FULL,
 * STORE_UNAVAILABLE, CONFLICT, REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, REPOSITORY_LOCKED
 */
export async function backUpIncrement(args: BackupArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot back up "${args.path}"`, context.signal)
  const { settings, signal } = context
  checkArchiveName(args.archive)
  using volume = await step('check the volume', () => openRunVolume(args.path, context))
  await using _claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const store = await step('open the store', () => openRunStore(context))
  await using repository = await step('open the increments', () => store.ownRepository())
  await step('check the owner', () => store.assertOwner())
  const locking = { exclusive: false, dataDir: settings.dataDir, waitMs: LOCK_WAIT_MS, signal }
  await using lock = await step('lock the increments', () => lockRepository(repository, locking))
  const series = await step('look at the snapshots before', () =>
    findSeries({ args, context, store, repository, lock }),
  )
  const before = series?.snapshots.at(-1)
  const known = series?.snapshots.findLast(({ file }) => file.backupd)
  const sequence = lastSequence(series) + 1
  const warnings = collectWarnings(context)
  const run: Increment = {
    args,
    context,
    step,
    store,
    repository,
    lock,
    volume,
    before,
    known,
    sequence,
    warnings,
    clockDoubt: readClockDoubt(context, warnings),
    reread: planReread(series, context),
    reasons: [],
  }
  try {
    const summary = await step('make the snapshot', () => makeDespiteDamage(run))
    const made = await step('read it back', () => readBack(repository, summary))
    return describeOutcome(run, summary, {
      name: args.archive,
      source: args.path,
      snapshots: [...(series?.snapshots ?? []), made],
    })
  } catch (error) {
    // The written data belongs to no snapshot: note that there is something for the next prune to remove.
    await noteForgotten({ store, ip: settings.ip }, 1).catch(() => {})
    throw error
  }
}

/** A volume whose path changed continues its series. @throws CONFLICT if the series belongs to another volume */
async function findSeries(run: TakeOver): Promise<SnapshotSeries | undefined> {
  const { args, context } = run
  const series = await takeOverMirror(run)
  if (!series || series.source === args.path) return series
  if (isOfVolume(series, args)) {
    context.warn(`the volume was at "${series.source}" in the snapshot before: its series goes on here`)
    return series
  }
  const what = `"${args.archive}" is the series of "${series.source}", not of "${args.path}"`
  const then = 'name this volume otherwise, and it gets a series of its own; that one stays as it is'
  throw new BackupdError('CONFLICT', `${what}: ${then}`)
}

/** Two volumes can share the name of a series. Snapshots that restic made or rewrote do not name their volume. */
function isOfVolume({ snapshots }: SnapshotSeries, args: BackupArgs): boolean {
  const { app, proc, volume, instanceNo } = args
  const facts = snapshots.findLast(({ file }) => file.backupd)?.file.backupd
  return (
    facts?.app === app && facts.proc === proc && facts.volume === volume && facts.instanceNo === instanceNo
  )
}

/** If the previous snapshot is damaged, reads the whole volume, which stores damaged content again. */
async function makeDespiteDamage(run: Increment): Promise<SnapshotSummary> {
  const { context, store, repository, before } = run
  const { ip: namespace } = context.settings
  try {
    return await make(run, before)
  } catch (error) {
    if (!before || !(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') throw error
    context.warn(`the snapshot before is damaged, so that everything is read again: ${error.message}`)
    const warn = (message: string) => context.warn(message)
    const read = { store, ip: namespace, clock: context.clock, repository, namespace, warn }
    await noteIfDamaged(read, before.id, error)
    await noteForgotten({ store, ip: namespace }, 1).catch(() => {})
    run.reread = planReread(undefined, context)
    return await make(run, undefined)
  }
}

function make(run: Increment, before: SeriesSnapshot | undefined): Promise<SnapshotSummary> {
  const { args, context, repository, lock, volume, warnings, reread } = run
  if (before && reread.reread) context.log('info', 'every file is read, whatever its timestamps say')
  context.progress({ phase: 'snapshot', bytesTotal: before?.file.backupd?.bytes ?? null })
  return makeSnapshot({
    ...{ repository, lock, volume: volume.place, sourcePath: args.path, hostname: context.settings.ip },
    parent: before ? { id: before.id, snapshot: before.file } : null,
    reread: reread.reread,
    time: new Date(context.clock.now()),
    signal: context.signal,
    whyLeftOut: findOwnStaging(context.settings.dataDir, volume.path),
    describe: (seen) => describeSnapshot(run, seen),
    onProgress: ({ bytes, files, path, ...rest }) =>
      context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path), ...rest }),
    onWarning: (warning) => warnings.add(warningText(warning)),
  })
}

/** Verifies the snapshot: its id is the hash of the stored file, so a load that succeeds proves the content. */
async function readBack(
  repository: Repository,
  { snapshotId: id }: SnapshotSummary,
): Promise<SeriesSnapshot> {
  const file = parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
  return { id, file, createdMs: Date.parse(file.time), corrupt: null }
}

function describeOutcome(
  { context, reasons }: Increment,
  summary: SnapshotSummary,
  series: SnapshotSeries,
): RunOutcome {
  const info = infoOfSeries(context.settings.ip, series)
  const { filesNew, filesChanged, filesUnchanged, filesDeleted, bytesRead, bytesAdded } = summary
  const result: RunResult = {
    ...{ file: info.name, size: info.size, backup: info, snapshot: summary.snapshotId },
    ...{ filesNew, filesChanged, filesUnchanged, filesDeleted, bytesRead, bytesAdded },
    changedWhileRead: describeChanged(summary.changedWhileRead),
  }
  return { state: info.state, reason: reasons.join('; '), result }
}
