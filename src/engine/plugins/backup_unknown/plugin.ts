import type { z } from 'zod'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.unknown
type UnknownArgs = z.infer<typeof QUESTION.args>

/** The objects in a namespace that belong to no backup, as wire unknownObjectsSchema. */
export const backupUnknownPlugin: Plugin<UnknownArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run({ namespace }, context) {
    const store = await openToAnswer(context)
    return { state: 'success', reason: '', result: { ...(await store.unknown(namespace)) } }
  },
}
