import { answering, openToAnswer } from '../answering.ts'

/** The servers that have a folder in the store. */
export const backupNamespacesPlugin = answering('namespaces', async (_args, context) => ({
  namespaces: await (await openToAnswer(context)).namespaces(),
}))
