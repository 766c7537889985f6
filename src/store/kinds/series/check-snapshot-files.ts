import { BackupdError, hasCode } from '../../../lib/errors.ts'
import { parseSnapshot } from '../../../restic/nodes/snapshot-file.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { VerifyRun } from '../../stored-backup.ts'
import type { ReadSeries } from './open-snapshot.ts'
import { readProvenSnapshots } from './proof-note.ts'

/** What became of the files of snapshots. */
export interface SnapshotFiles {
  /** Snapshots of this series, for certain, whose files are damaged; by their ids. */
  lost: ReadonlyMap<string, BackupdError>
  /** Damaged files that may belong to any series of the server. */
  problems: readonly string[]
  unreadable: readonly BackupdError[]
}

/**
 * Reads the snapshot files of a series again, and those that were left out because they could not be read. A damaged file
 * does not tell its series: it is of this one if the series has just been read from it, or if an earlier proof has it.
 */
export async function checkSnapshotFiles(
  { world, namespace, repository, series, unread }: ReadSeries,
  { signal }: Pick<VerifyRun, 'signal'>,
): Promise<SnapshotFiles> {
  const readable = series.snapshots.map(({ id }) => id)
  const own = new Set([...readable, ...(await readProvenSnapshots(world.driver, namespace, series.name))])
  const lost = new Map<string, BackupdError>()
  const problems: string[] = []
  const unreadable: BackupdError[] = []
  for (const id of [...readable, ...unread]) {
    signal.throwIfAborted()
    const error = await readTwiceIfDamaged(repository, id)
    // Deleted since it was listed.
    if (!error || hasCode(error, 'NOT_FOUND')) continue
    if (!isFileDamaged(error)) unreadable.push(error)
    else if (own.has(id)) lost.set(id, describeLost(id, error))
    else problems.push(describeUnknown(id))
  }
  return { lost, problems, unreadable }
}

async function readTwiceIfDamaged(repository: Repository, id: string): Promise<BackupdError | undefined> {
  const error = await findError(repository, id)
  return error && isFileDamaged(error) ? await findError(repository, id) : error
}

async function findError(repository: Repository, id: string): Promise<BackupdError | undefined> {
  try {
    parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
    return undefined
  } catch (error) {
    if (error instanceof BackupdError) return error
    throw error
  }
}

/** Other errors say nothing about the file. */
function isFileDamaged(error: BackupdError): boolean {
  return hasCode(error, 'REPOSITORY_DAMAGED') || hasCode(error, 'SNAPSHOT_CORRUPT')
}

function describeLost(id: string, cause: BackupdError): BackupdError {
  const what = `The snapshot ${id.slice(0, 8)} is damaged: its file is, so all its files are lost. Others are not affected`
  return new BackupdError('SNAPSHOT_CORRUPT', what, {
    facts: { snapshot: id, objects: [`snapshot ${id}`] },
    cause,
  })
}

function describeUnknown(id: string): string {
  return `the snapshot file ${id} is damaged: one point in time of this or another increment of the server is lost`
}
