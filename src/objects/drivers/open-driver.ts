import { join } from 'node:path'
import type { StoreSettings } from '../../wire/store-settings.ts'
import type { Driver } from '../driver.ts'
import { meteredDriver } from '../wrap/metered-driver.ts'
import { localDriver } from './local.ts'
import { mooseFsDriver } from './moosefs/moosefs.ts'

/** Whoever opens a store. */
export interface Opener {
  /** On this machine, this daemon's own. */
  dataDir: string
}

type Open<Settings> = (settings: Settings, opener: Opener) => Driver

/** Every driver there is, by name. A new one adds a line; test/contract/driver-contract.ts is its exam. */
const DRIVERS: { [Name in StoreSettings['driver']]: Open<StoreSettings & { driver: Name }> } = {
  local: ({ dir }) => localDriver(dir),
  moosefs: ({ dir }, { dataDir }) => mooseFsDriver(dir, join(dataDir, 'locks')),
}

/** Touches nothing yet: see Driver.check. */
export function openDriver<Settings extends StoreSettings>(settings: Settings, opener: Opener): Driver {
  const open = DRIVERS[settings.driver] as Open<StoreSettings>
  return meteredDriver(open(settings, opener))
}
