import { z } from 'zod'
import { openStore } from '../../../store/open-store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'

const listArgsSchema = z.object({
  namespace: z.string(),
  /** Absolute path of a volume on its server. */
  source: z.string().optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
type ListArgs = z.infer<typeof listArgsSchema>

/** One page of a namespace's backups, as wire backupPageSchema. */
export const backupListPlugin: Plugin<ListArgs> = {
  name: 'backup_list',
  query: true,
  parseArgs: (raw) => parseShape('The question for backups', raw, listArgsSchema),
  needs: () => [],
  async run({ namespace, source, after, limit }, { settings, clock, log }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    const narrowed = {
      limit,
      ...(source === undefined ? {} : { source }),
      ...(after === undefined ? {} : { after }),
    }
    return { state: 'success', reason: '', result: await store.list(namespace, narrowed) }
  },
}
