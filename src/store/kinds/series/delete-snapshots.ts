import { BackupdError } from '../../../lib/errors.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { HideRequest } from '../../../wire/hidden.ts'
import type { SnapshotsToDelete } from '../../snapshots.ts'
import type { Reader } from '../../stored-backup.ts'
import { ANSWER_WAIT_MS, makeAcquireLock } from './acquire-lock.ts'
import { findSnapshot } from './find-snapshot.ts'
import { forgetInNamespace } from './forget-series.ts'
import type { OwnSeries } from './hidden-snapshots.ts'
import { hideSnapshots } from './hide-snapshots.ts'
import { openKnownSeries } from './open-series.ts'
import { refuseHeld, refuseHeldByNow } from './refuse-held.ts'
import { readWholeSeries, type SnapshotSeries } from './series.ts'

/**
 * Deletes single snapshots of a series of the own namespace, also hidden ones, and returns their ids; the next prune frees
 * their space. Throws NOT_FOUND, BAD_INPUT, or CONFLICT for one that is held, before anything is deleted, and REPOSITORY_LOCKED.
 */
export async function deleteSeriesSnapshots(
  { store, ip }: OwnSeries,
  request: SnapshotsToDelete,
  reader: Reader,
): Promise<string[]> {
  await using repository = await store.repository(ip)
  const wanted = findWanted(await readWhole(repository, { ip, name: request.name }), request)
  refuseHeld(wanted, store)
  await store.assertOwner()
  const ids = wanted.snapshots.map(({ id }) => id)
  if (!repository) return []
  const acquireLock = makeAcquireLock(repository, reader, ANSWER_WAIT_MS)
  const context = { store, ip, repository, acquireLock, warn: reader.warn }
  return await forgetInNamespace(context, ids, refuseHeldByNow(context, [wanted]))
}

async function readWhole(
  repository: Repository | undefined,
  { ip, name }: { ip: string; name: string },
): Promise<SnapshotSeries> {
  const all = repository ? await readWholeSeries(repository, ip) : []
  const found = all.find((one) => one.name === name)
  if (found) return found
  throw new BackupdError('NOT_FOUND', `There is no series of snapshots "${name}" in ${ip}`)
}

/** The same so that it can be undone. Returns the ids. */
export async function hideSeriesSnapshots(
  own: OwnSeries,
  request: SnapshotsToDelete,
  how: HideRequest,
): Promise<string[]> {
  await using opened = await openKnownSeries(own.store, own.ip, request.name)
  const wanted = findWanted(opened.series, request)
  await hideSnapshots(own, [wanted], how)
  return wanted.snapshots.map(({ id }) => id)
}

function findWanted(series: SnapshotSeries, { name, snapshots }: SnapshotsToDelete) {
  return { name, snapshots: snapshots.map((id) => findSnapshot(series, id)) }
}
