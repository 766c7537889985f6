import { z } from 'zod'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const unknownArgsSchema = z.object({ namespace: z.string() })
type UnknownArgs = z.infer<typeof unknownArgsSchema>

/** The objects in a namespace that belong to no backup, as wire unknownObjectsSchema. */
export const backupUnknownPlugin: Plugin<UnknownArgs> = {
  name: 'backup_unknown',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for unknown objects', raw, unknownArgsSchema),
  needs: () => [],
  async run({ namespace }, context) {
    const store = await openToAnswer(context)
    return { state: 'success', reason: '', result: { ...(await store.unknown(namespace)) } }
  },
}
