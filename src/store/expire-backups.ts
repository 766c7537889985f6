import type { Expired, ExpireRule, ExpireRun, Expiry } from './expiry.ts'
import { expireArchives } from './kinds/archive/expire-archives.ts'
import { expireSeries } from './kinds/series/expire-series.ts'
import type { StoreParts } from './store-parts.ts'

/** See Store.expire. */
export async function expireBackups(
  store: StoreParts,
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
