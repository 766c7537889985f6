import { answering, openToAnswer } from '../answering.ts'

/** Releases what is held because a run after it was unusual, in the daemon's own namespace. Throws NOT_FOUND. */
export const unusualAcknowledgePlugin = answering('acknowledgeUnusual', async ({ name }, context) => {
  const store = await openToAnswer(context)
  return { backups: await store.acknowledgeUnusual(name) }
})
