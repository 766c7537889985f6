import { z } from 'zod'
import { deleteSnapshots } from '../../../store/kinds/series/delete-snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { answeringReader, openToAnswer } from '../answering.ts'

const deleteArgsSchema = z.object({
  name: z.string(),
  /** Ids or prefixes of ids. */
  snapshots: z.array(z.string().min(1)).min(1).max(1000),
})
type DeleteArgs = z.infer<typeof deleteArgsSchema>

/**
 * Deletes single snapshots of a series in the daemon's own namespace; the next prune frees their room.
 * Throws NOT_FOUND and BAD_INPUT before the first is deleted, REPOSITORY_LOCKED.
 */
export const snapshotsDeletePlugin: Plugin<DeleteArgs> = {
  name: 'snapshots_delete',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The snapshots to delete', raw, deleteArgsSchema),
  needs: () => [],
  async run(wanted, context) {
    const own = { store: await openToAnswer(context), ip: context.settings.ip }
    const deletedSnapshots = await deleteSnapshots(own, wanted, answeringReader(context))
    return { state: 'success', reason: '', result: { deletedSnapshots } }
  },
}
