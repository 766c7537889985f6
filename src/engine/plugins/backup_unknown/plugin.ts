import { z } from 'zod'
import { openStore } from '../../../store/open-store.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'

const unknownArgsSchema = z.object({ namespace: z.string() })
type UnknownArgs = z.infer<typeof unknownArgsSchema>

/** What in a namespace is no part of a backup, as wire unknownObjectsSchema. */
export const backupUnknownPlugin: Plugin<UnknownArgs> = {
  name: 'backup_unknown',
  query: true,
  parseArgs: (raw) => parseShape('The question for unknown objects', raw, unknownArgsSchema),
  needs: () => [],
  async run({ namespace }, { settings, clock, log }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    return { state: 'success', reason: '', result: { ...(await store.unknown(namespace)) } }
  },
}
