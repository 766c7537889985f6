import { openStore } from '../../../store/open-store.ts'
import type { Plugin } from '../../plugin.ts'

/** The room of the store (objects/driver.ts, Space), and among its problems what is missing of the own namespace. Throws STORE_UNAVAILABLE where it cannot be written. */
export const storeSpacePlugin: Plugin<null> = {
  name: 'store_space',
  query: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, { settings, clock }) {
    const store = await openStore(settings.store, settings, clock)
    await store.driver.check()
    const space = await store.driver.space()
    const problems = [...space.problems, ...(await store.problems())]
    return { state: 'success', reason: '', result: { ...space, problems } }
  },
}
