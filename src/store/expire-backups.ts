import type { Expired, ExpireRule, ExpireRun, Expiry } from './expiry.ts'
import { freeHidden } from './free-hidden.ts'
import { expireArchives } from './kinds/archive/expire-archives.ts'
import { DELETE_WAIT_MS } from './kinds/archive/unfinished-deletes.ts'
import { expireSeries } from './kinds/series/expire-series.ts'
import { readPruneNote } from './kinds/series/prune-note.ts'
import type { StoreParts } from './store-parts.ts'

/** See Store.expire. */
export async function expireBackups(
  store: StoreParts,
  rules: readonly ExpireRule[],
  run: ExpireRun,
): Promise<Expired> {
  const expiry: Expiry = { store, run, expired: { deleted: [], deletedSnapshots: [], changed: [] } }
  const rulesOf = (wanted: ExpireRule['mode']) => rules.filter(({ mode }) => mode === wanted)
  await freeHidden(expiry)
  await expireArchives(rulesOf('full'), expiry)
  await store.sweep(run.signal)
  await finishWaiting(expiry)
  await expireSeries(rulesOf('increment'), expiry)
  await store.keepReserve()
  return expiry.expired
}

/** Most stores have none that wait: a note says so, because a list would cost more. */
async function finishWaiting({ store, run }: Expiry): Promise<void> {
  const { deletesSince } = await readPruneNote({ store, ip: run.settings.ip })
  if (deletesSince === undefined || run.now() - deletesSince < DELETE_WAIT_MS) return
  const names = await store.finishDeletes()
  if (names.length > 0)
    run.log('info', `${names.length} deleted backups were removed from the store`, { names })
}
