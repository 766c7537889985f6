import { answering, openToAnswer } from '../answering.ts'

/** One page of the differences between two snapshots of a series. Throws NOT_FOUND. */
export const backupDiffPlugin = answering('diff', async (question, context) =>
  (await openToAnswer(context)).snapshots.diff(question, context.signal),
)
