import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, hasCode } from '../../../lib/errors.ts'
import { parseSnapshot } from '../../../restic/nodes/snapshot-file.ts'
import { lockRepository } from '../../../restic/repository/lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { makeSnapshot } from '../../../restic/write/make-snapshot.ts'
import type { SnapshotSummary } from '../../../restic/write/snapshot-input.ts'
import { findOwnStaging } from '../../../volume/swap/find-own-staging.ts'
import type { MadeInDoubt } from '../../../wire/backup.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { BackupTask, MadeBackup, NewBackup } from '../../new-backup.ts'
import type { StoreParts } from '../../store-parts.ts'
import { describeChanged } from '../describe-changed.ts'
import { describeSnapshot, type NewSnapshot, type SeriesTask } from './describe-snapshot.ts'
import type { HeldSnapshot } from './judge-snapshot.ts'
import { planReread } from './plan-reread.ts'
import { noteForgotten } from './prune-note.ts'
import { noteIfDamaged } from './report-damage.ts'
import { lastSequence, leaveOutHidden, type SeriesSnapshot, type SnapshotSeries } from './series.ts'
import { makeSeriesInfo } from './series-info.ts'
import { takeOverMirror } from './take-over-mirror.ts'

/** A slice of a prune locks the repository only for moments; a restic that a user runs may hold it longer. */
const LOCK_WAIT_MS = 10 * 60_000

/** Locks the repository until the snapshot is disposed of, and finds the series that it continues. */
export async function startSnapshot(store: StoreParts, task: BackupTask): Promise<NewBackup> {
  const { run, step } = task
  await using parts = new AsyncDisposableStack()
  const repository = parts.use(await step('open the increments', () => store.ownRepository()))
  await step('check the owner', () => store.assertOwner())
  const { dataDir } = run.settings
  const locking = { exclusive: false, dataDir, waitMs: LOCK_WAIT_MS, signal: run.signal }
  const lock = parts.use(await step('lock the increments', () => lockRepository(repository, locking)))
  const locked: SeriesTask = { ...task, store, repository, lock }
  const series = await step('find the previous snapshots', () => findSeries(locked))
  const owned = parts.move()
  return {
    name: task.args.archive,
    make: (clockDoubt) => makeAndReadBack(locked, series, clockDoubt),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** With what is hidden in it. A volume whose path changed continues its series. @throws CONFLICT if the series belongs to another volume */
async function findSeries(task: SeriesTask): Promise<SnapshotSeries | undefined> {
  const { args, run } = task
  const series = await takeOverMirror(task)
  if (!series || series.source === args.path) return series
  if (isOfVolume(series, args)) {
    run.warn(`the volume was at "${series.source}" in the previous snapshot; its series continues here`)
    return series
  }
  const what = `"${args.archive}" is the series of "${series.source}", not of "${args.path}"`
  const then = 'rename this volume to give it a series of its own; the existing series stays unchanged'
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

/** The snapshot file is written last, when all data is on disk. */
async function makeAndReadBack(
  task: SeriesTask,
  whole: SnapshotSeries | undefined,
  clockDoubt: MadeInDoubt | undefined,
): Promise<MadeBackup> {
  const { store, repository, run, step } = task
  const series = whole && leaveOutHidden(whole)
  const snapshot: NewSnapshot = {
    ...task,
    series,
    clockDoubt,
    reasons: [],
    held: undefined,
    before: series?.snapshots.at(-1),
    known: series?.snapshots.findLast(({ file }) => file.backupd),
    sequence: lastSequence(whole) + 1,
    reread: planReread(series, run),
  }
  try {
    const summary = await step('make the snapshot', () => makeDespiteDamage(snapshot))
    const made = await step('read it back', () => readBack(repository, summary))
    return describeMade(snapshot, summary, made)
  } catch (error) {
    // The written data belongs to no snapshot: note that there is something for the next prune to remove.
    await noteForgotten({ store, ip: run.settings.ip }, 1).catch(() => {})
    throw error
  }
}

/** If the previous snapshot is damaged, reads the whole volume, which stores damaged content again. */
async function makeDespiteDamage(snapshot: NewSnapshot): Promise<SnapshotSummary> {
  const { run, store, repository, before } = snapshot
  const { ip: namespace } = run.settings
  try {
    return await makeAfter(snapshot, before)
  } catch (error) {
    if (!before || !hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
    run.warn(`the previous snapshot is damaged, so everything is read again: ${error.message}`)
    const warn = (message: string) => run.warn(message)
    const read = { store, ip: namespace, clock: run.clock, repository, namespace, warn }
    await noteIfDamaged(read, before.id, error)
    await noteForgotten({ store, ip: namespace }, 1).catch(() => {})
    snapshot.reread = planReread(undefined, run)
    return await makeAfter(snapshot, undefined)
  }
}

/** @param before the snapshot whose unchanged files are not read again; none if it is damaged, or the first */
function makeAfter(snapshot: NewSnapshot, before: SeriesSnapshot | undefined): Promise<SnapshotSummary> {
  const { args, run, repository, lock, volume, warnings, reread } = snapshot
  if (before && reread.reread) run.log('info', 'every file is read, whatever its timestamps say')
  run.progress({ phase: 'snapshot', bytesTotal: before?.file.backupd?.bytes ?? null })
  return makeSnapshot({
    repository,
    lock,
    volume: volume.place,
    sourcePath: args.path,
    hostname: run.settings.ip,
    parent: before ? { id: before.id, snapshot: before.file } : null,
    reread: reread.reread,
    time: new Date(run.clock.now()),
    signal: run.signal,
    whyLeftOut: findOwnStaging(run.settings.dataDir, volume.path),
    describe: (seen) => describeSnapshot(snapshot, seen),
    onProgress: ({ bytes, files, path, ...rest }) =>
      run.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path), ...rest }),
    onWarning: (warning) => warnings.addVolumeWarning(warning),
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

function describeMade(
  { args, run, series, reasons, held }: NewSnapshot,
  summary: SnapshotSummary,
  made: SeriesSnapshot,
): MadeBackup {
  const earlier = (series?.snapshots ?? []).map((one) => (one.id === held?.id ? addReason(one, held) : one))
  const snapshots = [...earlier, made]
  const name = { name: args.archive, source: args.path }
  const info = makeSeriesInfo(run.settings.ip, { ...series, ...name, snapshots })
  const { snapshotId: snapshot, filesNew, filesChanged, filesUnchanged, filesDeleted } = summary
  const { bytesRead, bytesAdded } = summary
  return {
    info,
    reasons,
    changedWhileRead: describeChanged(summary.changedWhileRead),
    counts: { snapshot, filesNew, filesChanged, filesUnchanged, filesDeleted, bytesRead, bytesAdded },
  }
}

function addReason(snapshot: SeriesSnapshot, { reason }: HeldSnapshot): SeriesSnapshot {
  return { ...snapshot, holds: [...(snapshot.holds ?? []), reason] }
}
