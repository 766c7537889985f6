import type { z } from 'zod'
import { seriesSnapshots } from '../../../store/snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.diff
type DiffArgs = z.infer<typeof QUESTION.args>

/** One page of the differences between two snapshots of a series, as wire diffPageSchema. Throws NOT_FOUND. */
export const backupDiffPlugin: Plugin<DiffArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run(question, context) {
    const page = await seriesSnapshots.diff(await openToAnswer(context), question, context.signal)
    return { state: 'success', reason: '', result: { ...page } }
  },
}
