import { BackupdError } from '../../../lib/errors.ts'
import { parseSnapshot } from '../../../restic/nodes/snapshot-file.ts'
import type { VerifyRun } from '../../stored-backup.ts'
import type { ReadSeries } from './open-snapshot.ts'
import { readProvenSnapshots } from './proof-note.ts'

/** What became of the snapshot files that could not be read. */
interface UnreadSnapshots {
  /** One of them is a snapshot of this series, for certain. */
  lost: BackupdError | null
  /** They may belong to any series of the server. */
  problems: string[]
  unreadable: BackupdError[]
}

/**
 * Reads the snapshot files again that were left out. A damaged one does not tell its series; it is of this one if an earlier
 * proof has it.
 */
export async function checkUnreadSnapshots(
  { world, namespace, repository, series, unread }: ReadSeries,
  { signal }: Pick<VerifyRun, 'signal'>,
): Promise<UnreadSnapshots> {
  const found: UnreadSnapshots = { lost: null, problems: [], unreadable: [] }
  if (unread.length === 0) return found
  const own = new Set(await readProvenSnapshots(world.driver, namespace, series.name))
  for (const id of unread) {
    signal.throwIfAborted()
    try {
      parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
    } catch (error) {
      if (!(error instanceof BackupdError)) throw error
      if (error.code === 'STORE_UNAVAILABLE') found.unreadable.push(error)
      else if (error.code !== 'NOT_FOUND' && own.has(id)) found.lost ??= snapshotFileLost(id, error)
      else if (error.code !== 'NOT_FOUND') found.problems.push(describeUnknown(id))
    }
  }
  return found
}

function snapshotFileLost(id: string, cause: BackupdError): BackupdError {
  const what = `The snapshot ${id.slice(0, 8)} is damaged: its file is, so all its files are lost. Others are not affected`
  return new BackupdError('SNAPSHOT_CORRUPT', what, {
    facts: { snapshot: id, objects: [`snapshot ${id}`] },
    cause,
  })
}

function describeUnknown(id: string): string {
  return `the snapshot file ${id} is damaged: one point in time of this or another increment of the server is lost`
}
