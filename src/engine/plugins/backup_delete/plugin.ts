import { z } from 'zod'
import { removeSeries } from '../../../store/kinds/series/remove-series.ts'
import { openStore } from '../../../store/open-store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { takeLockOf } from '../take-lock.ts'

const deleteArgsSchema = z.object({ names: z.array(z.string()).min(1).max(10_000) })
type DeleteArgs = z.infer<typeof deleteArgsSchema>

/** An answer comes within seconds. */
const SWEEP_MS = 3000
/** Others are not waited for long. */
const LOCK_WAIT_MS = 5000

/** Deletes backups of the daemon's own namespace, all or none refused. `deleted` = those that were there. */
export const backupDeletePlugin: Plugin<DeleteArgs> = {
  name: 'backup_delete',
  query: true,
  parseArgs: (raw) => parseShape('The names to delete', raw, deleteArgsSchema),
  needs: () => [],
  async run({ names }, context) {
    const { settings, clock, log } = context
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    const series = await removeSeries({ store, ip: settings.ip }, names, {
      takeLockOf: (repository) => takeLockOf(repository, context, LOCK_WAIT_MS),
      warn: (message) => log('warn', message),
    })
    const deleted = new Set([...series, ...(await store.remove(names))])
    // What this leaves of a large mirror is no backup any more; the expire job frees the rest of its room.
    await store.sweep(AbortSignal.timeout(SWEEP_MS))
    return { state: 'success', reason: '', result: { deleted: [...deleted] } }
  },
}
