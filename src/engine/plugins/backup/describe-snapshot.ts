import type { Steps } from '../../../lib/steps.ts'
import type { SnapshotFacts } from '../../../restic/nodes/snapshot-file.ts'
import type { Lock } from '../../../restic/repository/held-lock.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { SnapshotSeen, SnapshotWords } from '../../../restic/write/snapshot-input.ts'
import { isOfMirror, type SeriesSnapshot, tagsOf } from '../../../store/kinds/series/series.ts'
import type { Store } from '../../../store/store.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import type { MadeInDoubt } from '../../../wire/backup.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { describeChanged } from './changed-while-read.ts'
import type { RereadPlan } from './plan-reread.ts'
import { listPartialReasons } from './reasons.ts'
import { type BackupBefore, suspicionOf } from './suspicion.ts'
import type { Warnings } from './warnings.ts'

/** One increment under way. */
export interface Increment extends Steps {
  args: BackupArgs
  context: RunContext
  store: Store
  repository: Repository
  lock: Lock
  volume: HeldVolume
  /** The newest snapshot. */
  before: SeriesSnapshot | undefined
  /** The newest snapshot with facts about the volume; snapshots made by restic have none. */
  known: SeriesSnapshot | undefined
  /** One higher than that of any snapshot of the series. */
  sequence: number
  warnings: Warnings
  clockDoubt: MadeInDoubt | undefined
  reread: RereadPlan
  /** Why it is partial; empty if it is not, and until it is known. */
  reasons: string[]
}

const WARNINGS_KEPT = 20

/** The last step before the snapshot is published. Throws CONFLICT if another daemon has claimed the namespace. */
export async function describeSnapshot(run: Increment, seen: SnapshotSeen): Promise<SnapshotWords> {
  const { args, context, known, store } = run
  const suspect = suspicionOf(seen, known && toBackupBefore(known, seen, args.path))
  run.reasons = listPartialReasons(run, seen, suspect)
  context.progress({ phase: 'publish', currentPath: null })
  await store.assertOwner()
  const isPartial = run.reasons.length > 0
  const { sequence, warnings, clockDoubt, reread } = run
  const facts = factsOfSnapshot(run, seen, { sequence, suspect, isPartial, warnings, clockDoubt, ...reread })
  return { tags: tagsOf(args.archive, context.rid, isPartial), facts }
}

/** Ignores the earlier root of a mirror or of another path, because it says nothing about the volume's mount. */
function toBackupBefore(
  snapshot: SeriesSnapshot,
  { root }: SnapshotSeen,
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
  warnings?: Pick<Warnings, 'kept' | 'count'>
  clockDoubt?: MadeInDoubt | undefined
  lastReread?: string | undefined
}

const NO_WARNINGS = { kept: [], count: 0 }

/** What backupd adds to a snapshot of restic's format. */
export function factsOfSnapshot(
  { args, context, store }: Pick<Increment, 'args' | 'context' | 'store'>,
  seen: SnapshotSeen,
  { sequence, suspect, isPartial, warnings = NO_WARNINGS, clockDoubt, lastReread }: Verdict,
): SnapshotFacts {
  const { app, proc, volume, instanceNo, containers } = args
  const { files, bytes, entries, bytesAdded, root, notKept } = seen
  return {
    ...{ format: 1, app, proc, volume, instanceNo, containers, jobId: context.jobId, sequence },
    ...{ state: isPartial ? 'partial' : 'success', suspect },
    ...{ files, bytes, entries, added: bytesAdded, root, notKept, inodeFlags: true },
    ...{ warnings: warnings.kept.slice(0, WARNINGS_KEPT), warningCount: warnings.count },
    ...{ durability: store.driver.abilities.durability, writer: context.settings.version },
    ...(clockDoubt && { clockDoubt }),
    ...(lastReread !== undefined && { lastReread }),
    changedWhileRead: describeChanged(seen.changedWhileRead),
  }
}
