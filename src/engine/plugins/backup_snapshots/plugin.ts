import type { z } from 'zod'
import { seriesSnapshots } from '../../../store/snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.snapshots
type SnapshotsArgs = z.infer<typeof QUESTION.args>

/** One page of a series' snapshots, newest first, as wire snapshotPageSchema. Throws NOT_FOUND. */
export const backupSnapshotsPlugin: Plugin<SnapshotsArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run(question, context) {
    const page = await seriesSnapshots.list(await openToAnswer(context), question)
    return { state: 'success', reason: '', result: { ...page } }
  },
}
