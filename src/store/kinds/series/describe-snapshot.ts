import type { SnapshotFacts } from '../../../restic/nodes/snapshot-file.ts'
import type { Lock } from '../../../restic/repository/held-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { SnapshotDescription, WalkResult } from '../../../restic/write/snapshot-input.ts'
import type { MadeInDoubt } from '../../../wire/backup.ts'
import type { BackupTask, BackupWarnings } from '../../new-backup.ts'
import type { StoreParts } from '../../store-parts.ts'
import { describeChanged } from '../describe-changed.ts'
import { type BackupBefore, findSuspicion } from '../suspicion.ts'
import { type HeldSnapshot, judgeSnapshot } from './judge-snapshot.ts'
import type { RereadPlan } from './plan-reread.ts'
import { isOfMirror, makeTags, type SeriesSnapshot, type SnapshotSeries } from './series.ts'

/** A backup that adds a snapshot to the own repository, which is locked for it. */
export interface SeriesTask extends BackupTask {
  store: StoreParts
  repository: Repository
  lock: Lock
}

/** One snapshot under way. */
export interface NewSnapshot extends SeriesTask {
  /** undefined for the first snapshot of a volume. */
  series: SnapshotSeries | undefined
  /** The newest snapshot. */
  before: SeriesSnapshot | undefined
  /** The newest snapshot with facts about the volume; snapshots made by restic have none. */
  known: SeriesSnapshot | undefined
  /** One higher than that of any snapshot of the series. */
  sequence: number
  clockDoubt: MadeInDoubt | undefined
  reread: RereadPlan
  /** Why it is partial; empty if it is not, and until it is known. */
  reasons: string[]
  /** An earlier snapshot that is kept from now on, because this one is unusual. */
  held: HeldSnapshot | undefined
}

const WARNINGS_KEPT = 20

/** The last step before the snapshot is published. Throws CONFLICT if another daemon has claimed the namespace. */
export async function describeSnapshot(
  snapshot: NewSnapshot,
  seen: WalkResult,
): Promise<SnapshotDescription> {
  const { args, run, known, store } = snapshot
  const suspect = findSuspicion(seen, known && toBackupBefore(known, seen, args.path))
  snapshot.reasons = await snapshot.listReasons(seen, suspect)
  const { history, held } = await judgeSnapshot(snapshot, seen, { series: snapshot.series, suspect })
  snapshot.held = held
  run.progress({ phase: 'publish', currentPath: null })
  await store.assertOwner()
  const isPartial = snapshot.reasons.length > 0
  const { sequence, warnings, clockDoubt, reread } = snapshot
  const verdict = { sequence, suspect, isPartial, warnings, clockDoubt, history, ...reread }
  return {
    tags: makeTags(args.archive, run.rid, isPartial),
    facts: makeSnapshotFacts(snapshot, seen, verdict),
  }
}

/** Ignores the earlier root of a mirror or of another path, because it says nothing about the volume's mount. */
function toBackupBefore(
  snapshot: SeriesSnapshot,
  { root }: WalkResult,
  path: string,
): BackupBefore | undefined {
  const { id, file } = snapshot
  if (!file.backupd) return undefined
  const known = { ...file.backupd, name: id.slice(0, 8) }
  return isOfMirror(snapshot) || file.paths[0] !== path ? { ...known, root } : known
}

export interface Verdict {
  sequence: number
  suspect: string | null
  isPartial: boolean
  warnings?: Pick<BackupWarnings, 'kept' | 'count'>
  clockDoubt?: MadeInDoubt | undefined
  lastReread?: string | undefined
  history?: string
}

const NO_WARNINGS = { kept: [], count: 0 }

/** What backupd adds to a snapshot of restic's format. */
export function makeSnapshotFacts(
  { args, run, store }: Pick<SeriesTask, 'args' | 'run' | 'store'>,
  seen: WalkResult,
  { sequence, suspect, isPartial, warnings = NO_WARNINGS, clockDoubt, lastReread, history }: Verdict,
): SnapshotFacts {
  const { app, proc, volume, instanceNo, containers } = args
  const { files, bytes, entries, bytesAdded, root, notKept } = seen
  return {
    format: 1,
    app,
    proc,
    volume,
    instanceNo,
    containers,
    jobId: run.jobId,
    sequence,
    state: isPartial ? 'partial' : 'success',
    suspect,
    files,
    bytes,
    entries,
    added: bytesAdded,
    root,
    notKept,
    inodeFlags: true,
    warnings: warnings.kept.slice(0, WARNINGS_KEPT),
    warningCount: warnings.count,
    durability: store.driver.abilities.durability,
    writer: run.settings.version,
    ...(clockDoubt && { clockDoubt }),
    ...(lastReread !== undefined && { lastReread }),
    ...(history !== undefined && { history }),
    changedWhileRead: describeChanged(seen.changedWhileRead),
  }
}
