import { openStore } from '../../../storage/store/store.ts'
import type { Plugin } from '../../plugin.ts'

/** The room of the store (storage/driver.ts, Space). Throws STORE_UNAVAILABLE where it cannot be written. */
export const storeSpacePlugin: Plugin<null> = {
  name: 'store_space',
  query: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, { settings, clock }) {
    const { driver } = await openStore(settings.store, settings, clock)
    await driver.check()
    return { state: 'success', reason: '', result: { ...(await driver.space()) } }
  },
}
