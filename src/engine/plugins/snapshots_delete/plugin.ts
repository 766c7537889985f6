import type { z } from 'zod'
import { seriesSnapshots } from '../../../store/snapshots.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { answeringReader, openToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.deleteSnapshots
type DeleteArgs = z.infer<typeof QUESTION.args>

/**
 * Deletes single snapshots of a series in the daemon's own namespace; the next prune frees their room.
 * Throws NOT_FOUND and BAD_INPUT before the first is deleted, REPOSITORY_LOCKED.
 */
export const snapshotsDeletePlugin: Plugin<DeleteArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run(wanted, context) {
    const own = { store: await openToAnswer(context), ip: context.settings.ip }
    const deletedSnapshots = await seriesSnapshots.delete(own, wanted, answeringReader(context))
    return { state: 'success', reason: '', result: { deletedSnapshots } }
  },
}
