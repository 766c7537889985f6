import { BackupdError } from '../../../lib/errors.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { SnapshotsToRestore } from '../../snapshots.ts'
import type { Reader } from '../../stored-backup.ts'
import { ANSWER_WAIT_MS, makeAcquireLock } from './acquire-lock.ts'
import { findSnapshot } from './find-snapshot.ts'
import { changeHiddenSnapshots, type HiddenSnapshots, type OwnSeries } from './hidden-snapshots.ts'
import { readSeries, readWholeSeries, type SnapshotSeries } from './series.ts'
import { makeSeriesInfo } from './series-info.ts'

/**
 * Makes hidden snapshots listed ones again, and returns their series. The lock keeps others from freeing them meanwhile.
 * Throws NOT_FOUND if one of them is not hidden, or is freed.
 * @param first called when all of them are found, before any is restored; it may throw
 */
export async function restoreHiddenSnapshots(
  own: OwnSeries & { reader: Reader },
  { names, snapshots }: SnapshotsToRestore,
  first: () => Promise<unknown>,
): Promise<BackupInfo[]> {
  const { store, ip, reader } = own
  await using repository = await store.repository(ip)
  const [name = ''] = names
  if (!repository) throw notRestorable(name, 'it is not deleted, or its room is freed')
  await store.assertOwner()
  await using _lock = await makeAcquireLock(repository, reader, ANSWER_WAIT_MS)({ exclusive: false })
  const all = await readWholeSeries(repository, ip)
  const ids = new Set(names.flatMap((one) => findHidden(all, one, snapshots)))
  await first()
  await store.withReserve(() => changeHiddenSnapshots(own, async (hidden) => leaveOut(hidden, ids)))
  const wanted = new Set(names)
  const now = await readSeries(repository, ip)
  return now.filter((one) => wanted.has(one.name)).map((one) => makeSeriesInfo(ip, one))
}

function leaveOut(hidden: HiddenSnapshots, ids: ReadonlySet<string>): HiddenSnapshots {
  return new Map([...hidden].filter(([id]) => !ids.has(id)))
}

function findHidden(all: readonly SnapshotSeries[], name: string, wanted?: readonly string[]): string[] {
  const series = all.find((one) => one.name === name)
  const hidden = series?.snapshots.filter((one) => one.hidden) ?? []
  if (!series || hidden.length === 0) throw notRestorable(name, 'it is not deleted, or its room is freed')
  if (!wanted) return hidden.map(({ id }) => id)
  return wanted.map((id) => findSnapshot({ ...series, snapshots: hidden }, id).id)
}

function notRestorable(name: string, why: string): BackupdError {
  const what = `Cannot restore deleted snapshots of "${name}": ${why}`
  const message = `${what}. "backupd deleted list" has those that can be restored; nothing was restored`
  return new BackupdError('NOT_FOUND', message, { facts: { name } })
}
