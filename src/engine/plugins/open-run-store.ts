import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { RunContext } from '../plugin.ts'

/**
 * Opens the store of the daemon for a run.
 * @param warn where the store's warnings go: to the record, or to the log if the run leaves no record
 * @param patienceMs how long one call to the store is repeated while that does not answer
 */
export function openRunStore(
  { settings, clock }: RunContext,
  warn: (message: string) => void,
  patienceMs?: number,
): Promise<Store> {
  return openStore(settings.store, settings, { clock, warn, ...(patienceMs !== undefined && { patienceMs }) })
}
