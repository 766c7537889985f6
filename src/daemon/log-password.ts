import type { Log } from '../lib/log.ts'
import { PASSWORD_FILE } from '../store/layout.ts'
import { describePlace, type StoreSettings } from '../wire/store-settings.ts'

/** Logs once where the new password file is; never the password itself. */
export function logPassword(log: Log, store: StoreSettings): void {
  const file = `${describePlace(store)}/${PASSWORD_FILE}`
  const advice = 'Copy it now to a place outside the store: without it, increments cannot be read'
  const limits =
    'In the store, it does not protect increments from anyone who can read the store. To keep it elsewhere, move it on every machine and name it with --repository-password-file'
  log.info({ file }, `The password of this store's increments was created: ${file}. ${advice}. ${limits}`)
}
