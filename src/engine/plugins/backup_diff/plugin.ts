import { z } from 'zod'
import { diffSnapshots } from '../../../store/kinds/series/diff-snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const diffArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  from: z.string(),
  /** The newest one if empty. */
  to: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
type DiffArgs = z.infer<typeof diffArgsSchema>

/** One page of the differences between two snapshots of a series, as wire diffPageSchema. Throws NOT_FOUND. */
export const backupDiffPlugin: Plugin<DiffArgs> = {
  name: 'backup_diff',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for a difference', raw, diffArgsSchema),
  needs: () => [],
  async run(question, context) {
    const page = await diffSnapshots(await openToAnswer(context), question, context.signal)
    return { state: 'success', reason: '', result: { ...page } }
  },
}
