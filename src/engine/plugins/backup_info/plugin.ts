import { z } from 'zod'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { findBackupToAnswer } from '../answering.ts'

const infoArgsSchema = z.object({ namespace: z.string(), name: z.string() })
type InfoArgs = z.infer<typeof infoArgsSchema>

/** One backup, as wire backupInfoSchema. Throws NOT_FOUND. */
export const backupInfoPlugin: Plugin<InfoArgs> = {
  name: 'backup_info',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for a backup', raw, infoArgsSchema),
  needs: () => [],
  async run({ namespace, name }, context) {
    await using found = await findBackupToAnswer(context, namespace, name)
    return { state: 'success', reason: '', result: found.info }
  },
}
