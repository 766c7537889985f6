import { openStore } from '../../../storage/store/store.ts'
import type { Plugin } from '../../plugin.ts'

/** `{ freeBytes, totalBytes }` of the store. Throws STORE_UNAVAILABLE where it cannot be written. */
export const storeSpacePlugin: Plugin<null> = {
  name: 'store_space',
  query: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, { settings, clock }) {
    const { driver } = await openStore(settings.store, settings, clock)
    await driver.check()
    const { freeBytes, totalBytes } = await driver.space()
    return { state: 'success', reason: '', result: { freeBytes, totalBytes } }
  },
}
