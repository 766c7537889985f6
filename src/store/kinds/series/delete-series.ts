import { BackupdError } from '../../../lib/errors.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import type { StoreParts } from '../../store-parts.ts'
import { type ForgetContext, forgetInNamespace } from './forget-series.ts'
import { refuseHeld, refuseHeldByNow } from './refuse-held.ts'
import { readSeries } from './series.ts'

/**
 * Deletes whole series of the own namespace by name. Returns the names that existed. Throws CONFLICT if a snapshot of them
 * is held.
 */
export async function deleteSeries(
  { store, ip }: { store: StoreParts; ip: string },
  names: readonly string[],
  how: Pick<ForgetContext, 'warn'> & {
    makeAcquireLock(repository: ForgetContext['repository']): ForgetContext['acquireLock']
  },
): Promise<string[]> {
  const wanted = new Set(names.filter((name) => !parseBackupName(name)))
  if (wanted.size === 0) return []
  await using repository = await store.repository(ip)
  if (!repository) return []
  const all = await readSeries(repository, ip)
  const inside = names.find((name) => all.some((series) => name.startsWith(`${series.name}/`)))
  if (inside !== undefined) throw insideSeries(inside)
  const toDelete = all.filter(({ name }) => wanted.has(name))
  if (toDelete.length === 0) return []
  for (const one of toDelete) refuseHeld(one, store)
  await store.assertOwner()
  const ids = toDelete.flatMap(({ snapshots }) => snapshots.map(({ id }) => id))
  const acquireLock = how.makeAcquireLock(repository)
  const context = { store, ip, repository, acquireLock, warn: how.warn }
  await forgetInNamespace(context, ids, refuseHeldByNow(context, toDelete))
  return toDelete.map(({ name }) => name)
}

function insideSeries(name: string): BackupdError {
  const what = `"${name}" lies inside the snapshots of a series, which are deleted whole or not at all`
  return new BackupdError('BAD_INPUT', `${what}; nothing was deleted`)
}
