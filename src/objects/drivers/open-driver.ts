import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { describePlace, type StoreSettings } from '../../wire/store-settings.ts'
import type { BareDriver, Driver } from '../driver.ts'
import { withLocalLocks } from '../wrap/local-locks.ts'
import { meteredDriver } from '../wrap/metered-driver.ts'
import { localDriver } from './local.ts'
import { mooseFsDriver } from './moosefs/moosefs.ts'

/** The daemon that opens a store. */
export interface Opener {
  /** The daemon's local data directory. */
  dataDir: string
  clock: Clock
}

type Open<Settings> = (settings: Settings, opener: Opener) => BareDriver

/** All drivers by name. A new driver adds a line, and must pass test/contract/driver-contract.ts. */
const DRIVERS: { [Name in StoreSettings['driver']]: Open<StoreSettings & { driver: Name }> } = {
  local: ({ dir }) => localDriver(dir),
  moosefs: ({ dir }, { clock }) => mooseFsDriver(dir, clock),
}

/** Does not access the store yet: see Driver.check. */
export function openDriver<Settings extends StoreSettings>(settings: Settings, opener: Opener): Driver {
  const open = DRIVERS[settings.driver] as Open<StoreSettings>
  const lockDir = join(opener.dataDir, 'locks')
  return meteredDriver(withLocalLocks(open(settings, opener), { lockDir, store: describePlace(settings) }))
}
