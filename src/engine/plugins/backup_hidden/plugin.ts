import { answering, openToAnswer } from '../answering.ts'

/** Lists the hidden backups of a namespace. */
export const backupHiddenPlugin = answering('hidden', async ({ namespace, after, limit }, context) => {
  const store = await openToAnswer(context)
  return await store.listHidden(namespace, { after, limit })
})
