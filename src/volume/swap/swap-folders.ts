import type { HeldVolume } from '../held-volume.ts'
import { type Folder, openFolder } from './folder.ts'
import type { Pointer } from './pointer.ts'
import { checkSameVolume } from './seen-volume.ts'
import { LATE, NEW, OLD, stagingPlace } from './staging-folders.ts'

/** The folders between which a swap moves names, all held open. */
export interface SwapFolders extends AsyncDisposable {
  readonly volume: Folder
  readonly staging: Folder
  /** What is to be in the volume. */
  readonly fresh: Folder
  /** What was in the volume. */
  readonly old: Folder
  /** What appeared in the volume meanwhile, in numbered folders. */
  readonly late: Folder
}

/** @throws VOLUME_MISSING if the volume is not the directory it was when the recover began. */
export async function openSwapFolders(pointer: Pointer, held: HeldVolume): Promise<SwapFolders> {
  await using opened = new AsyncDisposableStack()
  const volume = opened.use(await openFolder(held.place))
  checkSameVolume(pointer, volume)
  const staging = opened.use(await openFolder(stagingPlace(pointer, held)))
  const [fresh, old, late] = [
    opened.use(await openFolder(staging.at(NEW))),
    opened.use(await openFolder(staging.at(OLD))),
    opened.use(await openFolder(staging.at(LATE))),
  ]
  const owned = opened.move()
  return { volume, staging, fresh, old, late, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
