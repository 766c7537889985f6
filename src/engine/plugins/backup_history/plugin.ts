import type { z } from 'zod'
import { seriesSnapshots } from '../../../store/snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.history
type HistoryArgs = z.infer<typeof QUESTION.args>

/**
 * The versions of one path in the snapshots of a series, newest first, as wire fileHistorySchema. A page may be empty
 * even if more follow. Throws NOT_FOUND.
 */
export const backupHistoryPlugin: Plugin<HistoryArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run(question, context) {
    const history = await seriesSnapshots.listVersions(await openToAnswer(context), question)
    return { state: 'success', reason: '', result: { ...history } }
  },
}
