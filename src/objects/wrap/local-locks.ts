import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { makeFolder } from '../../lib/make-folder.ts'
import type { BareDriver, Driver } from '../driver.ts'
import { lockFile } from '../drivers/local-lock.ts'
import { checkObjectName } from '../drivers/object-names.ts'

/**
 * Adds locks to a driver that has none of its own: files in `lockDir`, a local folder of this daemon, named after `store`
 * and the object.
 * @param options.asksStore also rejects if the store cannot be used; where that costs a request, the next call tells
 */
export function withLocalLocks(
  driver: BareDriver,
  { lockDir, store, asksStore = true }: { lockDir: string; store: string; asksStore?: boolean },
): Driver {
  const { lock } = driver
  if (lock) return Object.assign(driver, { lock })
  return Object.assign(driver, {
    async lock(name: string) {
      checkObjectName(name)
      if (asksStore) await driver.stat(name)
      await makeFolder(lockDir)
      const file = createHash('sha256').update(`${store}\n${name}`).digest('hex').slice(0, 32)
      return lockFile(join(lockDir, `store-${file}`))
    },
  })
}
