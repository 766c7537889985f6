import { openStore, type StoreOptions } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { RunContext } from '../plugin.ts'
import { readRunTime } from '../run-time.ts'

/**
 * Opens the store of the daemon for a run.
 * @param warn where the store's warnings go: to the record, or to the log if the run leaves no record
 */
export function openRunStore(
  context: RunContext,
  warn: (message: string) => void,
  options: StoreOptions = {},
): Promise<Store> {
  const { settings, clock } = context
  const trustedNow = () => readRunTime(context).nowMs
  return openStore(settings.store, settings, { clock, trustedNow, warn, ...options })
}
