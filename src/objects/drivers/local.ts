import type { Driver } from '../driver.ts'
import { FileDriver } from './file-driver.ts'
import { atNewObject } from './file-place.ts'
import { lockFile } from './local-lock.ts'
import { localPlace } from './local-place.ts'

/** A driver with every ability, which needs no shortcuts. */
export type FolderDriver = Required<
  Omit<Driver, 'cache' | 'readWhole' | 'findLock' | 'keepsVersions' | 'keepsConditions'>
>

/** A local directory as a store: files have mode 0600, folders 0700; no symbolic link is followed out of it. */
export function localDriver(dir: string): FolderDriver {
  return new LocalDriver('local', { durability: 'synced', showsNamesAtOnce: true }, localPlace(dir))
}

class LocalDriver extends FileDriver implements FolderDriver {
  lock(name: string): Promise<AsyncDisposable> {
    return this.attemptOn(name)('lock', () => atNewObject(this.place, name, lockFile))
  }
}
