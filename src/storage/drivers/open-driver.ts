import type { Driver } from '../driver.ts'
import { localDriver } from './local.ts'

/** Which driver, and what it needs: plain data, so that it crosses to child processes. */
export type StoreSettings = { driver: 'local'; dir: string }

/** Every driver there is, by name. A new one adds a line; test/contract/driver-contract.ts is its exam. */
const DRIVERS: { [Name in StoreSettings['driver']]: (settings: StoreSettings & { driver: Name }) => Driver } =
  {
    local: (settings) => localDriver(settings.dir),
  }

/** Touches nothing yet: see Driver.check. */
export function openDriver(settings: StoreSettings): Driver {
  return DRIVERS[settings.driver](settings)
}
