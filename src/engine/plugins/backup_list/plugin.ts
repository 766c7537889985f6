import { z } from 'zod'
import { parseShape } from '../../../wire/json.ts'
import { pageLimit } from '../../../wire/page-limits.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const listArgsSchema = z.object({
  namespace: z.string(),
  /** Absolute path of a volume on its server. */
  source: z.string().optional(),
  after: z.string().optional(),
  limit: pageLimit,
})
type ListArgs = z.infer<typeof listArgsSchema>

/** One page of a namespace's backups, as wire backupPageSchema. */
export const backupListPlugin: Plugin<ListArgs> = {
  name: 'backup_list',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for backups', raw, listArgsSchema),
  needs: () => [],
  async run({ namespace, source, after, limit }, context) {
    const store = await openToAnswer(context)
    const narrowed = {
      limit,
      ...(source === undefined ? {} : { source }),
      ...(after === undefined ? {} : { after }),
    }
    return { state: 'success', reason: '', result: await store.list(namespace, narrowed) }
  },
}
