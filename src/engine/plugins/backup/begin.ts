import { resolveExistingVolume } from '../../../lib/allowed-paths.ts'
import { openStore, type Store } from '../../../storage/store/store.ts'
import type { RunContext } from '../../plugin.ts'
import { refuseOwnFolders } from '../own-folders.ts'

/** Gives the volume's real path. Throws FORBIDDEN, VOLUME_MISSING. */
export async function checkVolume(path: string, { settings }: RunContext): Promise<string> {
  const volume = await resolveExistingVolume(path, settings)
  await refuseOwnFolders(volume, settings)
  return volume
}

export function openRunStore(context: RunContext): Promise<Store> {
  const { settings, clock } = context
  return openStore(settings.store, settings, clock, { warn: (message) => context.warn(message) })
}
