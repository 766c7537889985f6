import { closeSync, fchmodSync, mkdirSync } from 'node:fs'
import { succeedsSync, tolerateSync } from '../../lib/tolerate.ts'
import { type OutputFolder, openFolderBeneath, openOutputFolder, splitLastStep } from './write-folder.ts'
import { splitComponents, splitLast } from './write-paths.ts'

/** Descriptors kept open. A few are enough, because archives are written folder by folder. */
const MAX_OPEN = 32
/** The mode of folders that have no entry of their own in the archive. */
const IMPLIED_MODE = 0o755

/** The folders below a root that entries are written into, opened without following links and kept open for a while. */
export class Folders {
  readonly root: OutputFolder
  readonly #open = new Map<string, OutputFolder>()
  #lastPath = Buffer.alloc(0)
  #last: OutputFolder

  constructor(target: string) {
    this.root = openOutputFolder(target)
    this.#last = this.root
  }

  /** The open parent folder of `path`, created if it is missing, and the last name of `path`. */
  parentOf(path: Buffer): { folder: OutputFolder; name: Buffer } {
    const { folder, name } = splitLast(path)
    if (!folder.equals(this.#lastPath)) {
      this.#last = this.#folderAt(folder)
      this.#lastPath = Buffer.from(folder)
    }
    return { folder: this.#last, name }
  }

  /** Opens an existing folder, which the caller closes. Its parent is kept open for its siblings. */
  reopen(path: Buffer): OutputFolder {
    const { parent, rest } = splitLastStep(path)
    return openFolderBeneath(this.#folderAt(parent), rest)
  }

  /** Call it after a folder was removed: open folders may no longer be at their paths. */
  forget(): void {
    for (const folder of this.#open.values()) closeSync(folder.fd)
    this.#open.clear()
    this.#last = this.root
    this.#lastPath = Buffer.alloc(0)
  }

  close(): void {
    this.forget()
    closeSync(this.root.fd)
  }

  #folderAt(path: Buffer): OutputFolder {
    if (path.length === 0) return this.root
    const key = path.toString('latin1')
    const folder = this.#open.get(key) ?? this.#openOrMake(path)
    this.#open.delete(key)
    this.#open.set(key, folder)
    this.#closeOldest()
    return folder
  }

  #openOrMake(path: Buffer): OutputFolder {
    // From the parent if it is open: opening each folder of a deep tree from the root would take quadratic time.
    const { folder, name } = splitLast(path)
    const above = this.#open.get(folder.toString('latin1'))
    const open = () => (above ? openFolderBeneath(above, name) : openFolderBeneath(this.root, path))
    return tolerateSync(['ENOENT'], open) ?? makeFolders(this.root, path)
  }

  #closeOldest(): void {
    if (this.#open.size <= MAX_OPEN) return
    for (const [key, folder] of this.#open) {
      this.#open.delete(key)
      closeSync(folder.fd)
      return
    }
  }
}

/** Creates the missing folders on the way to `path`, one by one. */
function makeFolders(root: OutputFolder, path: Buffer): OutputFolder {
  let folder = root
  for (const name of splitComponents(path)) {
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

/** Returns whether the folder was created. The umask applies to its mode. */
function makeIfMissing(place: Buffer): boolean {
  return succeedsSync(['EEXIST'], () => mkdirSync(place, IMPLIED_MODE))
}
