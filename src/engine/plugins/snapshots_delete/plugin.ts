import { z } from 'zod'
import { findSnapshot } from '../../../store/kinds/series/find-snapshot.ts'
import { forgetInNamespace } from '../../../store/kinds/series/forget-series.ts'
import { openKnownSeries } from '../../../store/kinds/series/open-series.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { openQueryStore } from '../query-store.ts'
import { takeLockOf } from '../take-lock.ts'

const deleteArgsSchema = z.object({
  name: z.string(),
  /** Ids, or their beginnings. */
  snapshots: z.array(z.string().min(1)).min(1).max(1000),
})
type DeleteArgs = z.infer<typeof deleteArgsSchema>

/** An answer comes within seconds, so others are not waited for long. */
const LOCK_WAIT_MS = 5000

/**
 * Deletes single snapshots of a series in the daemon's own namespace; their room comes back with the next prune.
 * Throws NOT_FOUND, BAD_INPUT before the first is touched, REPOSITORY_LOCKED.
 */
export const snapshotsDeletePlugin: Plugin<DeleteArgs> = {
  name: 'snapshots_delete',
  query: true,
  parseArgs: (raw) => parseShape('The snapshots to delete', raw, deleteArgsSchema),
  needs: () => [],
  async run({ name, snapshots }, context) {
    const { ip } = context.settings
    const store = await openQueryStore(context)
    await using opened = await openKnownSeries(store, ip, name)
    const { repository, series } = opened
    const ids = snapshots.map((id) => findSnapshot(series, id).id)
    await store.assertOwner()
    const takeLock = takeLockOf(repository, context, LOCK_WAIT_MS)
    const warn = (message: string) => context.log('warn', message)
    const deletedSnapshots = await forgetInNamespace({ store, ip, repository, takeLock, warn }, ids)
    return { state: 'success', reason: '', result: { deletedSnapshots } }
  },
}
