import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../lib/atomic-file.ts'
import { BackupdError, isSystemError, messageOf } from '../lib/errors.ts'
import type { StoreWorld } from './world.ts'

/** Renames a file or folder of the own namespace, durably; only in a store of files. */
export function renameInNamespace(world: StoreWorld, from: string, to: string): Promise<void> {
  return withNamespaceFolder(world, async (namespace) => {
    renameSync(join(namespace, from), join(namespace, to))
    await syncFolder(namespace)
  })
}

/** Runs `act` with the path of the own namespace's folder; only in a store of files. Throws STORE_UNAVAILABLE. */
export async function withNamespaceFolder<T>(
  { driver, identity }: StoreWorld,
  act: (path: string) => Promise<T>,
): Promise<T> {
  if (!driver.withFolder)
    throw new BackupdError('STORE_UNAVAILABLE', `A store of the kind "${driver.name}" holds no mirrors`)
  return driver.withFolder(identity.ip, async (path) => {
    try {
      return await act(path)
    } catch (cause) {
      if (!isSystemError(cause)) throw cause
      const message = `Cannot change ${identity.ip} of the store: ${messageOf(cause)}. Check its mount and its permissions`
      throw new BackupdError('STORE_UNAVAILABLE', message, { cause })
    }
  })
}
