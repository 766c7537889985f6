import { tmpdir } from 'node:os'
import { systemClock } from '../src/lib/clock.ts'
import type { Driver } from '../src/objects/driver.ts'
import { openDriver } from '../src/objects/drivers/open-driver.ts'
import type { StoreSettings } from '../src/wire/store-settings.ts'

/**
 * Opens a store: `store` is a folder, or the settings of a store as JSON. BENCH_DATA is the data directory, for the cache
 * and locks.
 */
export async function openDriverOf(store: string): Promise<Driver> {
  const settings: StoreSettings = store.startsWith('{') ? JSON.parse(store) : { driver: 'local', dir: store }
  return openDriver(settings, { dataDir: process.env.BENCH_DATA ?? tmpdir(), clock: systemClock })
}
