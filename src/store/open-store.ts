import { type Opener, openDriver } from '../objects/drivers/open-driver.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { createStore } from './create-store.ts'
import type { Store, StoreIdentity } from './store.ts'
import type { StoreWorld } from './world.ts'

export type StoreOptions = Pick<Opener, 'patienceMs' | 'isProof'>

export async function openStore(
  settings: StoreSettings,
  identity: StoreIdentity & Pick<Opener, 'dataDir'>,
  { clock, warn, ...options }: Pick<StoreWorld, 'clock' | 'warn'> & StoreOptions,
): Promise<Store> {
  const place = { dataDir: identity.dataDir, namespace: identity.ip }
  const driver = openDriver(settings, { ...place, clock, warn, ...options })
  return createStore({ driver, identity, clock, warn })
}
