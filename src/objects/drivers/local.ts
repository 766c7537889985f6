import type { Driver } from '../driver.ts'
import { FileDriver } from './file-driver.ts'
import { localPlace } from './local-place.ts'

/** A local directory as a store: files have mode 0600, folders 0700; no symbolic link is followed out of it. */
export function localDriver(dir: string): Driver {
  return new FileDriver('local', { durability: 'synced', showsNamesAtOnce: true }, localPlace(dir))
}
