import { resolveExistingVolume } from '../../../volume/allowed-paths.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import type { RunContext } from '../../plugin.ts'
import { refuseOwnFolders } from '../own-folders.ts'

/** Opens the volume and holds it for the whole run. Throws FORBIDDEN, VOLUME_MISSING. */
export async function openRunVolume(path: string, { settings }: RunContext): Promise<HeldVolume> {
  const volume = await resolveExistingVolume(path, settings)
  try {
    await refuseOwnFolders(volume.path, settings)
    return volume
  } catch (error) {
    volume[Symbol.dispose]()
    throw error
  }
}
