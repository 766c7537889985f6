import { z } from 'zod'
import { fileVersions } from '../../../store/kinds/series/file-versions.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const historyArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  path: z.string(),
  /** The id of a snapshot: only older ones are listed. */
  after: z.string().default(''),
})
type HistoryArgs = z.infer<typeof historyArgsSchema>

/**
 * The versions of one path in the snapshots of a series, newest first, as wire fileHistorySchema. A page may be empty
 * even if more follow. Throws NOT_FOUND.
 */
export const backupHistoryPlugin: Plugin<HistoryArgs> = {
  name: 'backup_history',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for the history of a file', raw, historyArgsSchema),
  needs: () => [],
  async run(question, context) {
    const history = await fileVersions(await openToAnswer(context), question)
    return { state: 'success', reason: '', result: { ...history } }
  },
}
