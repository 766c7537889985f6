import { join } from 'node:path'
import type { Log } from '../lib/log.ts'
import { PASSWORD_FILE } from '../store/kinds/series/repository-password.ts'
import type { StoreSettings } from '../wire/store-settings.ts'

/** Told once, by the daemon that made it; the password itself has no place in a log. */
export function tellPassword(log: Log, store: StoreSettings): void {
  const file = join(store.dir, PASSWORD_FILE)
  const keep = `Copy it now to where the store's fate does not reach: without it no increment can ever be read`
  const limits =
    'While it lies in the store it keeps nothing from whoever can read the store; to have it elsewhere, move it on every machine and name it with --repository-password-file'
  log.info({ file }, `The password of this store's increments was made: ${file}. ${keep}. ${limits}`)
}
