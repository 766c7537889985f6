import { z } from 'zod'
import { openStore } from '../../../storage/store/store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'

const deleteArgsSchema = z.object({ names: z.array(z.string()).min(1).max(10_000) })
type DeleteArgs = z.infer<typeof deleteArgsSchema>

/** An answer comes within seconds. */
const SWEEP_MS = 3000

/** Deletes backups of the daemon's own namespace, all or none refused. `deleted` = those that were there. */
export const backupDeletePlugin: Plugin<DeleteArgs> = {
  name: 'backup_delete',
  query: true,
  parseArgs: (raw) => parseShape('The names to delete', raw, deleteArgsSchema),
  needs: () => [],
  async run({ names }, { settings, clock, log }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    const deleted = await store.remove(names)
    // What this leaves of a large mirror is no backup any more; the expire job frees the rest of its room.
    await store.sweep(AbortSignal.timeout(SWEEP_MS))
    return { state: 'success', reason: '', result: { deleted } }
  },
}
