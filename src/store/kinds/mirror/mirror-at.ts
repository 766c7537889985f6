import { BackupdError } from '../../../lib/errors.ts'
import type { Mirror } from '../../store-parts.ts'
import type { StoreWorld } from '../../world.ts'

export function mirrorAt({ driver }: StoreWorld, namespace: string, name: string): Mirror {
  return {
    async withFolder(act) {
      if (driver.withFolder) return driver.withFolder(`${namespace}/${name}`, act)
      throw new BackupdError('STORE_UNAVAILABLE', `A store of the kind "${driver.name}" holds no mirrors`)
    },
  }
}
