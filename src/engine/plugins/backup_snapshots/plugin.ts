import { answering, openToAnswer } from '../answering.ts'

/** One page of a series' snapshots, newest first. Throws NOT_FOUND. */
export const backupSnapshotsPlugin = answering('snapshots', async (question, context) =>
  (await openToAnswer(context)).snapshots.list(question),
)
