import { z } from 'zod'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { answeringReader, openToAnswer } from '../answering.ts'

const deleteArgsSchema = z.object({ names: z.array(z.string()).min(1).max(10_000) })
type DeleteArgs = z.infer<typeof deleteArgsSchema>

/** Deletes backups of the daemon's own namespace: all are refused or none. `deleted` names those that existed. */
export const backupDeletePlugin: Plugin<DeleteArgs> = {
  name: 'backup_delete',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The names to delete', raw, deleteArgsSchema),
  needs: () => [],
  async run({ names }, context) {
    const store = await openToAnswer(context)
    const deleted = await store.delete(names, answeringReader(context))
    return { state: 'success', reason: '', result: { deleted } }
  },
}
