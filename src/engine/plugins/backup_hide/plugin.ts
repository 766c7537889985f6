import { answering, answeringReader, openToAnswer } from '../answering.ts'

/** Deletes backups of the daemon's own namespace so that it can be undone: all are refused or none. */
export const backupHidePlugin = answering('hide', async ({ names, by, windowMs }, context) => {
  const store = await openToAnswer(context)
  return { deleted: await store.hide(names, { by, windowMs }, answeringReader(context)) }
})
