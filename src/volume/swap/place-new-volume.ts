import { basename } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { type Folder, openFolder } from './folder.ts'
import { moveWithoutReplacing } from './move.ts'
import { protectListed } from './protected-list.ts'
import { applyRoot, toRootMetadata } from './root-metadata.ts'
import { discardStaging, type Staging } from './staging.ts'
import { NEW_FOLDER, stagingPlace } from './staging-folders.ts'
import type { SwapOptions } from './swap-options.ts'
import { syncFilesystem } from './sync-filesystem.ts'

/** Creates a volume that was missing: the folder with all unpacked content is renamed to the volume's path. */
export async function placeNewVolume(
  staging: Staging,
  { root, signal, checkpoint, onRefused, warn }: SwapOptions,
): Promise<void> {
  const { pointer, volume } = staging
  await using folder = await openFolder(stagingPlace(pointer, volume))
  await using parent = await openFolder(volume.parent)
  {
    await using fresh = await openFolder(folder.at(NEW_FOLDER))
    if (root) await applyRoot(fresh, toRootMetadata(root), onRefused)
    else await fresh.chmod(0o755)
    await protectListed({ staging: folder, top: fresh, warn })
  }
  await syncFilesystem(folder)
  signal.throwIfAborted()
  checkpoint?.('in place')
  rename(folder, parent, pointer.volume)
  await parent.sync()
  checkpoint?.('committed')
  await discardStaging(staging)
}

function rename(staging: Folder, parent: Folder, volume: string): void {
  const target = { folder: parent, name: Buffer.from(basename(volume)) }
  try {
    moveWithoutReplacing({ folder: staging, name: Buffer.from(NEW_FOLDER) }, target)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    throw new BackupdError(
      'CONFLICT',
      `"${volume}" was created by another process meanwhile, and is as that made it: recover again, or into another folder`,
      {
        cause: error,
      },
    )
  }
}
