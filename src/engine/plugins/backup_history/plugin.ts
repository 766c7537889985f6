import { answering, openToAnswer } from '../answering.ts'

/**
 * The versions of one path in the snapshots of a series, newest first. A page may be empty even if more follow.
 * Throws NOT_FOUND.
 */
export const backupHistoryPlugin = answering('history', async (question, context) =>
  (await openToAnswer(context)).snapshots.listVersions(question),
)
