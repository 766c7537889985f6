import type { Steps } from '../../../lib/steps.ts'
import { type SeriesSnapshot, tagsOf } from '../../../storage/series/series.ts'
import type { SnapshotFacts } from '../../../storage/snapshot/nodes/snapshot-file.ts'
import type { Lock } from '../../../storage/snapshot/repository/held-lock.ts'
import type { Repository } from '../../../storage/snapshot/repository/repository.ts'
import type { SnapshotSeen, SnapshotWords } from '../../../storage/snapshot/write/make-snapshot.ts'
import type { Store } from '../../../storage/store/store.ts'
import type { BackupArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { reasonsOf } from './reasons.ts'
import { suspicionOf } from './suspicion.ts'
import type { Warnings } from './warnings.ts'

/** One increment under way. */
export interface Increment extends Steps {
  args: BackupArgs
  context: RunContext
  store: Store
  repository: Repository
  lock: Lock
  /** Real path. */
  volume: string
  /** The newest snapshot there is. */
  before: SeriesSnapshot | undefined
  /** One more than that of any snapshot of the series. */
  sequence: number
  warnings: Warnings
  /** Why it is partial; empty where it is not, and until it is known. */
  reasons: string[]
}

const WARNINGS_KEPT = 20

/** The last word before the snapshot is published. Throws CONFLICT where another daemon took the namespace meanwhile. */
export async function describeSnapshot(run: Increment, seen: SnapshotSeen): Promise<SnapshotWords> {
  const { args, context, before, lock, store } = run
  const facts = before?.file.backupd
  const suspect = suspicionOf(seen, before && facts ? { ...facts, name: before.id.slice(0, 8) } : undefined)
  run.reasons = reasonsOf(run, seen, suspect)
  context.progress({ phase: 'publish', currentPath: null })
  await store.assertOwner()
  await lock.assertHeld()
  const isPartial = run.reasons.length > 0
  return {
    tags: tagsOf(args.archive, context.rid, isPartial),
    facts: factsOf(run, seen, { suspect, isPartial }),
  }
}

interface Verdict {
  suspect: string | null
  isPartial: boolean
}

function factsOf(
  { args, context, sequence, store, warnings }: Increment,
  seen: SnapshotSeen,
  { suspect, isPartial }: Verdict,
): SnapshotFacts {
  const { app, proc, volume, instanceNo, containers } = args
  const { files, bytes, entries, bytesAdded, root, notKept } = seen
  return {
    ...{ format: 1, app, proc, volume, instanceNo, containers, jobId: context.jobId },
    sequence,
    ...{ state: isPartial ? 'partial' : 'success', suspect },
    ...{ files, bytes, entries, added: bytesAdded, root, notKept },
    ...{ warnings: warnings.kept.slice(0, WARNINGS_KEPT), warningCount: warnings.count },
    ...{ durability: store.driver.abilities.durability, writer: context.settings.version },
  }
}
