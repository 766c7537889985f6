import type { Plugin } from '../../plugin.ts'
import { openToAnswer } from '../answering.ts'

/** The room of the store (objects/driver.ts, Space), and among its problems what is missing of the own namespace. Throws STORE_UNAVAILABLE where it cannot be written. */
export const storeSpacePlugin: Plugin<null> = {
  name: 'store_space',
  answersAtOnce: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, context) {
    const store = await openToAnswer(context)
    await store.driver.check()
    const space = await store.driver.space()
    const problems = [...space.problems, ...(await store.problems())]
    return { state: 'success', reason: '', result: { ...space, problems } }
  },
}
