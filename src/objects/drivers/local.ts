import type { Driver } from '../driver.ts'
import { FileDriver } from './file-driver.ts'
import { atNewObject } from './file-place.ts'
import { lockFile } from './local-lock.ts'
import { localPlace } from './local-place.ts'

/** A local directory as a store: files have mode 0600, folders 0700; no symbolic link is followed out of it. */
export function localDriver(dir: string): Required<Driver> {
  return new LocalDriver('local', { durability: 'synced', showsNamesAtOnce: true }, localPlace(dir))
}

class LocalDriver extends FileDriver implements Required<Driver> {
  lock(name: string): Promise<AsyncDisposable> {
    return this.attemptOn(name)('lock', () => atNewObject(this.place, name, lockFile))
  }
}
