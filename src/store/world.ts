import type { CertifiedPair } from '../lib/certificates/x509.ts'
import type { Clock } from '../lib/clock.ts'
import type { Driver } from '../objects/driver.ts'
import { LOCK } from './layout.ts'
import type { StoreIdentity } from './store.ts'

/** What every function of the store needs. */
export interface StoreWorld {
  driver: Driver
  identity: StoreIdentity
  clock: Clock
  /** Unix ms: the trusted time, which is the earlier one while the clock is in doubt. Pins end by it. */
  trustedNow(): number
  /** Reads the key that signs manifests; left out, or undefined if there is none: they are not signed. */
  readSigningKey?(): Promise<CertifiedPair | undefined>
  /** Called for problems that do not make a call fail, such as a broken `.meta` that was set aside. */
  warn(message: string): void
}

/**
 * Runs `act` under the namespace's lock: nobody else, in this or another process, changes names or `.meta`
 * meanwhile.
 */
export async function exclusively<T>(
  { driver, identity }: Pick<StoreWorld, 'driver'> & { identity: Pick<StoreIdentity, 'ip'> },
  act: () => Promise<T>,
): Promise<T> {
  await using _lock = await driver.lock(`${identity.ip}/${LOCK}`)
  return await act()
}
