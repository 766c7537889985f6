import type { Clock } from '../lib/clock.ts'
import { type Opener, openDriver } from '../objects/drivers/open-driver.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { createStore } from './create-store.ts'
import type { Store, StoreIdentity, StoreOptions } from './store.ts'

export async function openStore(
  settings: StoreSettings,
  identity: StoreIdentity & Pick<Opener, 'dataDir'>,
  { clock, warn = () => {} }: { clock: Clock } & StoreOptions,
): Promise<Store> {
  return createStore({
    driver: openDriver(settings, { dataDir: identity.dataDir, clock }),
    identity,
    clock,
    warn,
  })
}
