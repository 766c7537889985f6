import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

/** The servers that have a folder in the store, as wire namespacesSchema. */
export const backupNamespacesPlugin: Plugin<null> = {
  name: QUESTIONS.namespaces.action,
  answersAtOnce: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, context) {
    const store = await openToAnswer(context)
    return { state: 'success', reason: '', result: { namespaces: await store.namespaces() } }
  },
}
