import { answering, answeringReader, openToAnswer } from '../answering.ts'

/**
 * Deletes single snapshots of a series in the daemon's own namespace; the next prune frees their room.
 * Throws NOT_FOUND and BAD_INPUT before the first is deleted, REPOSITORY_LOCKED.
 */
export const snapshotsDeletePlugin = answering('deleteSnapshots', async (wanted, context) => {
  const { snapshots } = await openToAnswer(context)
  return { deletedSnapshots: await snapshots.delete(wanted, answeringReader(context)) }
})
