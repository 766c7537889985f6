import { BackupdError } from '../../../lib/errors.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import type { HideRequest } from '../../../wire/hidden.ts'
import { type ForgetContext, forgetInNamespace } from './forget-series.ts'
import type { OwnSeries } from './hidden-snapshots.ts'
import { hideSnapshots } from './hide-snapshots.ts'
import { refuseHeld, refuseHeldByNow } from './refuse-held.ts'
import { leaveOutHidden, readWholeSeries, type SnapshotSeries } from './series.ts'

/**
 * Deletes whole series of the own namespace by name, with what is hidden of them. Returns the names that existed. Throws
 * CONFLICT if a snapshot of them is held.
 */
export async function deleteSeries(
  { store, ip }: OwnSeries,
  names: readonly string[],
  how: Pick<ForgetContext, 'warn'> & {
    makeAcquireLock(repository: ForgetContext['repository']): ForgetContext['acquireLock']
  },
): Promise<string[]> {
  const wanted = listSeriesNames(names)
  if (wanted.length === 0) return []
  await using repository = await store.repository(ip)
  if (!repository) return []
  const toDelete = pickSeries(await readWholeSeries(repository, ip), wanted)
  if (toDelete.length === 0) return []
  for (const one of toDelete) refuseHeld(one, store)
  await store.assertOwner()
  const ids = toDelete.flatMap(({ snapshots }) => snapshots.map(({ id }) => id))
  const acquireLock = how.makeAcquireLock(repository)
  const context = { store, ip, repository, acquireLock, warn: how.warn }
  await forgetInNamespace(context, ids, refuseHeldByNow(context, toDelete))
  return toDelete.map(({ name }) => name)
}

/** The same so that it can be undone, in two steps: nothing is hidden before `hide` is called. */
export async function prepareHidingSeries(
  own: OwnSeries,
  names: readonly string[],
): Promise<{ names: string[]; hide(request: HideRequest): Promise<void> }> {
  const wanted = listSeriesNames(names)
  const none = { names: [], hide: async () => {} }
  if (wanted.length === 0) return none
  await using repository = await own.store.repository(own.ip)
  if (!repository) return none
  const all = await readWholeSeries(repository, own.ip)
  const toHide = pickSeries(all, wanted).flatMap((one) => leaveOutHidden(one) ?? [])
  if (toHide.length === 0) return none
  for (const one of toHide) refuseHeld(one, own.store)
  return {
    names: toHide.map(({ name }) => name),
    hide: (request) => hideSnapshots(own, toHide, request),
  }
}

function listSeriesNames(names: readonly string[]): string[] {
  return names.filter((name) => !parseBackupName(name))
}

/** Throws BAD_INPUT for a name inside a series. */
function pickSeries(all: readonly SnapshotSeries[], names: readonly string[]): SnapshotSeries[] {
  const inside = names.find((name) => all.some((series) => name.startsWith(`${series.name}/`)))
  if (inside !== undefined) throw insideSeries(inside)
  const wanted = new Set(names)
  return all.filter(({ name }) => wanted.has(name))
}

function insideSeries(name: string): BackupdError {
  const what = `"${name}" lies inside the snapshots of a series, which are deleted whole or not at all`
  return new BackupdError('BAD_INPUT', `${what}; nothing was deleted`)
}
