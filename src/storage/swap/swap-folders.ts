import { basename } from 'node:path'
import { BackupdError } from '../../lib/errors.ts'
import { type Folder, openFolder } from './folder.ts'
import type { Pointer } from './pointer.ts'
import { isInside, LATE, NEW, OLD } from './staging-folders.ts'

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

/** @throws VOLUME_MISSING where the volume is not the directory it was when the recover began. */
export async function openSwapFolders(pointer: Pointer): Promise<SwapFolders> {
  await using opened = new AsyncDisposableStack()
  const volume = opened.use(await openFolder(pointer.volume))
  if (String(volume.identity.inode) !== pointer.inode) throw notTheSame(pointer.volume)
  const path = isInside(pointer.staging, pointer.volume)
    ? volume.at(basename(pointer.staging))
    : pointer.staging
  const staging = opened.use(await openFolder(path))
  const [fresh, old, late] = [
    opened.use(await openFolder(staging.at(NEW))),
    opened.use(await openFolder(staging.at(OLD))),
    opened.use(await openFolder(staging.at(LATE))),
  ]
  const owned = opened.move()
  return { volume, staging, fresh, old, late, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function notTheSame(volume: string): BackupdError {
  return new BackupdError('VOLUME_MISSING', `"${volume}" is not the directory it was: see its mount`)
}
