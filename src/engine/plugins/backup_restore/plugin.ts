import { answering, answeringReader, openToAnswer } from '../answering.ts'

/** Makes hidden backups of the daemon's own namespace backups again. Throws NOT_FOUND before the first. */
export const backupRestorePlugin = answering('restoreHidden', async ({ names, snapshots }, context) => {
  const store = await openToAnswer(context)
  return { backups: await store.restoreHidden({ names, snapshots }, answeringReader(context)) }
})
