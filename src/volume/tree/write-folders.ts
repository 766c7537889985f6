import { closeSync, fchmodSync, mkdirSync } from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { type Folder, openFolder, openFolderBeneath, splitWay } from './write-folder.ts'
import { componentsOf, splitLast } from './write-paths.ts'

/** Descriptors kept open: archives come folder by folder, so a few suffice. */
const KEPT_OPEN = 32
/** For folders that an archive implies without having an entry for them. */
const IMPLIED_MODE = 0o755

/** The folders below a root that entries are written into, opened without following links and kept open for a while. */
export class Folders {
  readonly root: Folder
  private readonly open = new Map<string, Folder>()
  private lastPath = Buffer.alloc(0)
  private last: Folder

  constructor(target: string) {
    this.root = openFolder(target)
    this.last = this.root
  }

  /** The open folder that holds `path`, made where it is missing, and the last name of `path`. */
  parentOf(path: Buffer): { folder: Folder; name: Buffer } {
    const { folder, name } = splitLast(path)
    if (!folder.equals(this.lastPath)) {
      this.last = this.folderAt(folder)
      this.lastPath = Buffer.from(folder)
    }
    return { folder: this.last, name }
  }

  /** Opens a folder that is there; the caller closes it. The way to it is kept open for its neighbours. */
  reopen(path: Buffer): Folder {
    const { way, rest } = splitWay(path)
    return openFolderBeneath(this.folderAt(way), rest)
  }

  /** For when a folder was removed: what is open may no longer be what its path means. */
  forget(): void {
    for (const folder of this.open.values()) closeSync(folder.fd)
    this.open.clear()
    this.last = this.root
    this.lastPath = Buffer.alloc(0)
  }

  close(): void {
    this.forget()
    closeSync(this.root.fd)
  }

  private folderAt(path: Buffer): Folder {
    if (path.length === 0) return this.root
    const key = path.toString('latin1')
    const folder = this.open.get(key) ?? this.openOrMake(path)
    this.open.delete(key)
    this.open.set(key, folder)
    this.closeOldest()
    return folder
  }

  private openOrMake(path: Buffer): Folder {
    // From the folder above where that is open: from the root a deep tree would cost the square of its depth.
    const { folder, name } = splitLast(path)
    const above = this.open.get(folder.toString('latin1'))
    try {
      return above ? openFolderBeneath(above, name) : openFolderBeneath(this.root, path)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    return makeFolders(this.root, path)
  }

  private closeOldest(): void {
    if (this.open.size <= KEPT_OPEN) return
    for (const [key, folder] of this.open) {
      this.open.delete(key)
      closeSync(folder.fd)
      return
    }
  }
}

/** Makes what is missing on the way to `path`, one name after the other. */
function makeFolders(root: Folder, path: Buffer): Folder {
  let folder = root
  for (const name of componentsOf(path)) {
    const above = folder
    try {
      const isNew = makeIfMissing(above.at(name))
      folder = openFolderBeneath(above, name)
      if (isNew) fchmodSync(folder.fd, IMPLIED_MODE)
    } finally {
      if (above !== root) closeSync(above.fd)
    }
  }
  return folder
}

/** Returns whether it was made. The umask applies to its mode. */
function makeIfMissing(place: Buffer): boolean {
  try {
    mkdirSync(place, IMPLIED_MODE)
    return true
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    return false
  }
}
