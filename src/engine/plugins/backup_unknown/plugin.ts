import { answering, openToAnswer } from '../answering.ts'

/** The objects in a namespace that belong to no backup. */
export const backupUnknownPlugin = answering('unknown', async ({ namespace }, context) =>
  (await openToAnswer(context)).unknown(namespace),
)
