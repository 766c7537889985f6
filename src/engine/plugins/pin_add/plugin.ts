import { answering, answeringReader, openToAnswer } from '../answering.ts'

/** Keeps a backup or a snapshot of the daemon's own namespace whatever its age. Throws NOT_FOUND, CONFLICT, REPOSITORY_LOCKED. */
export const pinAddPlugin = answering('addPin', async ({ name, snapshot, by, reason, until }, context) => {
  const store = await openToAnswer(context)
  const pin = { by, reason, until: until ?? null }
  return { pin: await store.pin({ name, snapshot }, pin, answeringReader(context)) }
})
