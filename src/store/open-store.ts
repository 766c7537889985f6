import { type Opener, openDriver } from '../objects/drivers/open-driver.ts'
import { pacedDriver } from '../objects/wrap/paced-driver.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { createStore } from './create-store.ts'
import { readSigningKey } from './signing-files.ts'
import type { Store, StoreIdentity } from './store.ts'
import type { StoreWorld } from './world.ts'

export interface StoreOptions extends Pick<Opener, 'patienceMs' | 'isProof'> {
  /** Awaited before each read of the content of an object: a run that gives way to others waits in it. Never throws. */
  pace?(): Promise<void>
  /** See StoreWorld; without it, the clock is trusted. */
  trustedNow?(): number
}

export async function openStore(
  settings: StoreSettings,
  identity: StoreIdentity & Pick<Opener, 'dataDir'>,
  {
    clock,
    warn,
    pace,
    trustedNow = () => clock.now(),
    ...options
  }: Pick<StoreWorld, 'clock' | 'warn'> & StoreOptions,
): Promise<Store> {
  const place = { dataDir: identity.dataDir, namespace: identity.ip }
  const driver = openDriver(settings, { ...place, clock, warn, ...options })
  return createStore({
    driver: pace ? pacedDriver(driver, pace) : driver,
    ...{ identity, clock, trustedNow, warn },
    readSigningKey: () => readSigningKey(identity.dataDir),
  })
}
