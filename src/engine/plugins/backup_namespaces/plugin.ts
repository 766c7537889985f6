import { openStore } from '../../../store/open-store.ts'
import type { Plugin } from '../../plugin.ts'

/** The servers that have a folder in the store, as wire namespacesSchema. */
export const backupNamespacesPlugin: Plugin<null> = {
  name: 'backup_namespaces',
  query: true,
  parseArgs: () => null,
  needs: () => [],
  async run(_args, { settings, clock }) {
    const store = await openStore(settings.store, settings, clock)
    return { state: 'success', reason: '', result: { namespaces: await store.namespaces() } }
  },
}
