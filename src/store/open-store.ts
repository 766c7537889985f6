import { type Opener, openDriver } from '../objects/drivers/open-driver.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { createStore } from './create-store.ts'
import type { Store, StoreIdentity } from './store.ts'
import type { StoreWorld } from './world.ts'

export async function openStore(
  settings: StoreSettings,
  identity: StoreIdentity & Pick<Opener, 'dataDir'>,
  { clock, warn, patienceMs }: Pick<StoreWorld, 'clock' | 'warn'> & Pick<Opener, 'patienceMs'>,
): Promise<Store> {
  const place = { dataDir: identity.dataDir, namespace: identity.ip }
  const opener = { ...place, clock, warn, ...(patienceMs !== undefined && { patienceMs }) }
  const driver = openDriver(settings, opener)
  return createStore({ driver, identity, clock, warn })
}
