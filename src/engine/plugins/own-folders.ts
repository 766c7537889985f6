import { realpath } from 'node:fs/promises'
import { BackupdError } from '../../lib/errors.ts'
import { isUnder } from '../../volume/allowed-paths.ts'
import { listLocalFolders } from '../../wire/store-settings.ts'
import type { RunSettings } from '../plugin.ts'

/**
 * Rejects a volume that contains the store or the daemon's data directory, or is inside one of them: a backup would
 * include itself, and a recover would remove them.
 * @param volume its real path
 * @throws FORBIDDEN
 */
export async function refuseOwnFolders(volume: string, { dataDir, store }: RunSettings): Promise<void> {
  const stores = listLocalFolders(store).map((folder) => ['store', folder] as const)
  for (const [what, folder] of [...stores, ['data directory', dataDir] as const]) {
    const real = await realpath(folder).catch(() => folder)
    const how = isUnder(real, volume) ? 'contains' : isUnder(volume, real) ? 'is inside' : undefined
    if (how) throw new BackupdError('FORBIDDEN', `"${volume}" ${how} the ${what} of this daemon ("${real}")`)
  }
}
