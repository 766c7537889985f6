import { tmpdir } from 'node:os'
import { systemClock } from '../src/lib/clock.ts'
import type { Driver } from '../src/objects/driver.ts'
import type { StoreSettings } from '../src/wire/store-settings.ts'

/** A module of the built program, by its path in `src` without the ending. */
export async function built<M>(name: string): Promise<M> {
  return (await import(new URL(`../dist/${name}.js`, import.meta.url).href)) as M
}

/**
 * Opens a store with the built program: `store` is a folder, or the settings of a store as JSON. BENCH_DATA is the data
 * directory, for the cache and locks.
 */
export async function openBuiltDriver(store: string): Promise<Driver> {
  const { openDriver } = await built<typeof import('../src/objects/drivers/open-driver.ts')>(
    'objects/drivers/open-driver',
  )
  const settings: StoreSettings = store.startsWith('{') ? JSON.parse(store) : { driver: 'local', dir: store }
  return openDriver(settings, { dataDir: process.env.BENCH_DATA ?? tmpdir(), clock: systemClock })
}
