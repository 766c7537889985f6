import type { Expired, ExpireRule, ExpireRun, Expiry } from './expiry.ts'
import { expireArchives } from './kinds/archive/expire-archives.ts'
import { expireSeries } from './kinds/series/expire-series.ts'
import type { Store } from './store.ts'

/**
 * Deletes the backups of the own namespace that are older than their volume's rule allows, and frees the room of what
 * was deleted earlier. A mirror and the snapshot made from it never expire. Problems of single volumes are reported and
 * do not end it.
 * @returns what was deleted
 */
export async function expireBackups(
  store: Store,
  rules: readonly ExpireRule[],
  run: ExpireRun,
): Promise<Expired> {
  const expiry: Expiry = { store, run, expired: { deleted: [], deletedSnapshots: [], changed: [] } }
  const rulesOf = (wanted: ExpireRule['mode']) => rules.filter(({ mode }) => mode === wanted)
  await expireArchives(rulesOf('full'), expiry)
  await store.sweep(run.signal)
  await expireSeries(rulesOf('increment'), expiry)
  await store.keepReserve()
  return expiry.expired
}
