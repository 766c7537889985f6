import { seriesSnapshots } from '../../../store/snapshots.ts'
import { answering, openToAnswer } from '../answering.ts'

/** One page of the differences between two snapshots of a series. Throws NOT_FOUND. */
export const backupDiffPlugin = answering('diff', async (question, context) =>
  seriesSnapshots.diff(await openToAnswer(context), question, context.signal),
)
