import { systemClock } from '../../src/lib/clock.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { createStore } from '../../src/store/create-store.ts'
import { createStoreParts } from '../../src/store/create-store-parts.ts'
import { findEntry, openArchive } from '../../src/store/find-backup.ts'
import type { StoredArchive } from '../../src/store/kinds/archive/stored-archive.ts'
import type { Store, StoreIdentity } from '../../src/store/store.ts'
import type { StoreParts } from '../../src/store/store-parts.ts'
import type { StoreWorld } from '../../src/store/world.ts'
import { isMirror } from '../../src/wire/backup.ts'
import type { StoreSettings } from '../../src/wire/store-settings.ts'

/** The store with its parts, and its archives with manifest and index. */
export type WholeStore = Store &
  StoreParts & {
    findArchive(namespace: string, name: string): Promise<StoredArchive | undefined>
  }

/** Its clock is trusted, unless the test says otherwise. */
export function createWholeStore(
  given: Omit<StoreWorld, 'trustedNow'> & Partial<Pick<StoreWorld, 'trustedNow'>>,
): WholeStore {
  const world = { trustedNow: () => given.clock.now(), ...given }
  return {
    ...createStore(world),
    ...createStoreParts(world),
    async findArchive(namespace, name) {
      const entry = await findEntry(world, namespace, name)
      return entry && !isMirror(entry.info) ? openArchive(world, entry) : undefined
    },
  }
}

/** As openStore() does; warnings are dropped. */
export function openWholeStore(
  settings: StoreSettings,
  identity: StoreIdentity & { dataDir: string },
): WholeStore {
  const driver = openDriver(settings, { dataDir: identity.dataDir, clock: systemClock })
  return createWholeStore({ driver, identity, clock: systemClock, warn: () => {} })
}
