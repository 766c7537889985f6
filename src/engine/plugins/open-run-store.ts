import { openStore, type StoreOptions } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { RunContext } from '../plugin.ts'

/**
 * Opens the store of the daemon for a run.
 * @param warn where the store's warnings go: to the record, or to the log if the run leaves no record
 */
export function openRunStore(
  { settings, clock }: RunContext,
  warn: (message: string) => void,
  options: StoreOptions = {},
): Promise<Store> {
  return openStore(settings.store, settings, { clock, warn, ...options })
}
