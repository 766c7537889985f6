import type { HeldVolume } from '../held-volume.ts'
import { type Folder, openFolder } from './folder.ts'
import type { Pointer } from './pointer.ts'
import { checkSameVolume } from './seen-volume.ts'
import { LATE_FOLDER, NEW_FOLDER, OLD_FOLDER, stagingPlace } from './staging-folders.ts'

/** The folders between which a swap moves entries, all held open. */
export interface SwapFolders extends AsyncDisposable {
  readonly volume: Folder
  readonly staging: Folder
  /** The new content of the volume. */
  readonly fresh: Folder
  /** The old content of the volume. */
  readonly old: Folder
  /** Entries that appeared in the volume during the swap, in numbered folders. */
  readonly late: Folder
}

/** @throws VOLUME_MISSING if the volume is not the same directory as when the recover began */
export async function openSwapFolders(pointer: Pointer, held: HeldVolume): Promise<SwapFolders> {
  await using opened = new AsyncDisposableStack()
  const volume = opened.use(await openFolder(held.place))
  checkSameVolume(pointer, volume)
  const staging = opened.use(await openFolder(stagingPlace(pointer, held)))
  const isReversed = pointer.undo?.content === 'old'
  const [fresh, old, late] = [
    opened.use(await openFolder(staging.at(isReversed ? OLD_FOLDER : NEW_FOLDER))),
    opened.use(await openFolder(staging.at(isReversed ? NEW_FOLDER : OLD_FOLDER))),
    opened.use(await openFolder(staging.at(LATE_FOLDER))),
  ]
  const owned = opened.move()
  return { volume, staging, fresh, old, late, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
