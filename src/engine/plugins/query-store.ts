import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { RunContext } from '../plugin.ts'

/** The store, for a question: what it warns of goes to the log, since there is no record. */
export function openQueryStore({ settings, clock, log }: RunContext): Promise<Store> {
  return openStore(settings.store, settings, clock, { warn: (message) => log('warn', message) })
}
