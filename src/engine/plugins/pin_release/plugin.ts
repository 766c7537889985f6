import { answering, answeringReader, openToAnswer } from '../answering.ts'

/** Releases a pin of a backup or a snapshot of the daemon's own namespace. Throws NOT_FOUND, CONFLICT, REPOSITORY_LOCKED. */
export const pinReleasePlugin = answering('releasePin', async ({ name, snapshot, pin }, context) => {
  const store = await openToAnswer(context)
  return { pin: await store.releasePin({ name, snapshot }, pin, answeringReader(context)) }
})
