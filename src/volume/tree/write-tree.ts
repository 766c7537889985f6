import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { succeedsSync, tolerateSync } from '../../lib/tolerate.ts'
import { MIN_HOLE_BYTES } from './data-runs.ts'
import type { TreeEntry, TreeWarning } from './entry.ts'
import { Losses } from './losses.ts'
import type { OnProtected } from './on-protected.ts'
import { removeFolder } from './remove-folder.ts'
import { RestOfMetadata } from './rest-of-metadata.ts'
import { type ContentSource, writeContent } from './write-content.ts'
import { DirectoryLedger } from './write-directories.ts'
import { explainWriteError, isRefusal } from './write-errors.ts'
import { dropDefaultAcl, type OutputFolder, openFolderBeneath } from './write-folder.ts'
import { Folders } from './write-folders.ts'
import { applyMetadata, applyMetadataByName, type NameInFolder, type OnRefused } from './write-metadata.ts'

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const NODE_TYPE = { fifo: constants.S_IFIFO, chardev: constants.S_IFCHR, blockdev: constants.S_IFBLK }

/**
 * Writes entries into an empty directory, in any order, each relative to an open directory and never through a
 * symlink (ELOOP, ENOTDIR). A later entry replaces an earlier one of the same path. What the file system or missing
 * rights refuse is a fault; ENOSPC and EDQUOT throw NO_ROOM. Blocks the event loop: use it in a process of its own.
 */
export class TreeWriter {
  readonly #folders: Folders
  readonly #ledger: DirectoryLedger
  readonly #onWarning: (warning: TreeWarning) => void
  /** Directories that may be in the ledger twice; true once their metadata is applied. */
  readonly #restated = new Map<string, boolean>()
  #removedFolder = false
  readonly #losses = new Losses()
  readonly #rest: RestOfMetadata

  constructor(target: string, onWarning: (warning: TreeWarning) => void, onProtected?: OnProtected) {
    this.#onWarning = onWarning
    this.#folders = new Folders(target)
    this.#rest = new RestOfMetadata(this.#folders.root, this.#losses, onProtected)
    this.#ledger = new DirectoryLedger(this.#folders.root)
    dropDefaultAcl(this.#folders.root)
  }

  /** Writes one entry below the root. `content` is only read for files. Returns false after a fault. */
  async write(entry: TreeEntry, content: ContentSource): Promise<boolean> {
    try {
      if (entry.type === 'file') return await this.#writeFile(entry, content)
      if (entry.type === 'directory') this.#writeDirectory(entry)
      else if (entry.type === 'symlink') return this.#writeSymlink(entry)
      else return this.#writeNode(entry)
      return true
    } catch (error) {
      return this.#refusedOrThrow(error, entry.path)
    }
  }

  /**
   * Opens a new file. The caller writes its content, then calls endFile, failFile or dropFile. Undefined after a
   * fault.
   */
  beginFile(entry: TreeEntry): number | undefined {
    try {
      return this.#create(entry.path, (at) => openSync(findPlace(at), NEW_FILE, 0o600))
    } catch (error) {
      this.#refusedOrThrow(error, entry.path)
      return undefined
    }
  }

  /** Sets the metadata and closes the file. `size`: of content that may end in a hole. Returns false after a fault. */
  endFile(entry: TreeEntry, fd: number, size = 0): boolean {
    try {
      if (size >= MIN_HOLE_BYTES) ftruncateSync(fd, size)
      applyMetadata(fd, entry, this.#onRefused(entry))
      this.#rest.apply(fd, entry)
      if (!loadKernel()) fsyncSync(fd)
    } catch (error) {
      return this.failFile(entry, fd, error)
    }
    closeSync(fd)
    return true
  }

  /** Removes the file after an error: a refusal becomes a fault, any other error is thrown. */
  failFile(entry: TreeEntry, fd: number, error: unknown): false {
    this.dropFile(entry, fd)
    return this.#refusedOrThrow(error, entry.path)
  }

  /** Closes and removes the file. */
  dropFile({ path }: TreeEntry, fd: number): void {
    closeSync(fd)
    this.#remove(path)
  }

  /** Creates one more name of an earlier entry. Returns what kind it is, or undefined after a fault. */
  hardLink(path: Buffer, target: Buffer): 'file' | 'other' | undefined {
    try {
      const linked = lstatSync(this.#place(target), { bigint: true })
      if (!this.#isThere(path, linked.ino))
        this.#create(path, (at) => linkSync(this.#place(target), findPlace(at)))
      return linked.isFile() ? 'file' : 'other'
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') this.#fault(path, 'is a hard link to an entry that was not restored')
      else this.#refusedOrThrow(error, path)
      return undefined
    }
  }

  /** Moves everything written so far into a new directory `top` with the metadata of `entry`. At most once. */
  moveBelow(top: Buffer, entry: TreeEntry | null): void {
    const { root } = this.#folders
    const names = readdirSync(root.at(Buffer.alloc(0)), { encoding: 'buffer' })
    const aside = Buffer.from(`.moved-${randomBytes(12).toString('hex')}`)
    mkdirSync(root.at(aside), 0o700)
    const folder = openFolderBeneath(root, aside)
    fchmodSync(folder.fd, 0o755)
    for (const name of names) renameSync(root.at(name), folder.at(name))
    closeSync(folder.fd)
    renameSync(root.at(aside), root.at(top))
    this.#folders.forget()
    this.#ledger.moveBelow(top)
    for (const key of [...this.#restated.keys()])
      this.#restated.set(`${top.toString('latin1')}/${key}`, false)
    this.#removedFolder = true
    if (entry) this.#writeDirectory({ ...entry, path: top })
  }

  /** Sets the metadata of directories, bottom up, and syncs everything to disk. Does not change the root's metadata. */
  finish(): void {
    try {
      for (const entry of this.#ledger.bottomUp()) this.#finishDirectory(entry)
      const kernel = loadKernel()
      if (kernel) kernel.syncfs(this.#folders.root.fd)
      else fsyncSync(this.#folders.root.fd)
    } catch (error) {
      throw explainWriteError(error, Buffer.from('.'))
    }
    this.#losses.report(this.#onWarning)
  }

  close(): void {
    this.#ledger.close()
    this.#folders.close()
  }

  async #writeFile(entry: TreeEntry, content: ContentSource): Promise<boolean> {
    const fd = this.beginFile(entry)
    if (fd === undefined) return false
    try {
      await writeContent(fd, entry, content)
    } catch (error) {
      return this.failFile(entry, fd, error)
    }
    return this.endFile(entry, fd)
  }

  #writeDirectory(entry: TreeEntry): void {
    const { folder, name } = this.#folders.parentOf(entry.path)
    const existed = !createFolderAt(folder, name)
    if (existed && !isFolder(folder.at(name)))
      this.#create(entry.path, (at) => mkdirSync(findPlace(at), 0o700))
    if (existed || this.#removedFolder) this.#restated.set(entry.path.toString('latin1'), false)
    this.#ledger.add(entry)
  }

  #writeSymlink(entry: TreeEntry): boolean {
    const target = entry.linkTarget
    if (!target?.length || target.includes(0)) return this.#fault(entry.path, 'is a symlink without a target')
    const at = this.#create(entry.path, (place) => {
      symlinkSync(target, findPlace(place))
      return place
    })
    applyMetadataByName(at, entry, this.#onRefused(entry))
    this.#rest.noteTime(at, entry)
    return true
  }

  #writeNode(entry: TreeEntry): boolean {
    const kernel = loadKernel()
    const { type, major, minor, path } = entry
    if (!kernel || type === 'file' || type === 'directory' || type === 'symlink') {
      return this.#fault(path, `a ${type} cannot be made on this machine`)
    }
    const at = this.#create(path, (place) => {
      kernel.mknodat(place.folder.fd, place.name, { mode: NODE_TYPE[type] | 0o600, major, minor })
      return place
    })
    applyMetadataByName(at, entry, this.#onRefused(entry))
    this.#rest.noteTime(at, entry)
    return true
  }

  #finishDirectory(entry: TreeEntry): void {
    const key = entry.path.toString('latin1')
    const applied = this.#restated.get(key)
    if (applied) return
    if (applied === false) this.#restated.set(key, true)
    const fd = this.#openDirectory(entry.path)
    if (fd === undefined) return
    try {
      applyMetadata(fd, entry, this.#onRefused(entry))
      this.#rest.apply(fd, entry)
      if (!loadKernel()) fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  /** Undefined if a later entry has replaced the directory. */
  #openDirectory(path: Buffer): number | undefined {
    // folders.reopen() would create missing parents again that were removed.
    if (!this.#removedFolder) return this.#folders.reopen(path).fd
    return tolerateSync(['ENOENT', 'ENOTDIR', 'ELOOP'], () => openFolderBeneath(this.#folders.root, path).fd)
  }

  /** Creates an entry; if the name exists already, that is removed first. */
  #create<T>(path: Buffer, make: (at: NameInFolder) => T): T {
    try {
      return make(this.#folders.parentOf(path))
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    this.#remove(path)
    return make(this.#folders.parentOf(path))
  }

  #remove(path: Buffer): void {
    const at = this.#folders.parentOf(path)
    if (!isFolder(findPlace(at))) {
      unlinkSync(findPlace(at))
      return
    }
    this.#removedFolder = true
    removeFolder(at)
    this.#folders.forget()
  }

  #isThere(path: Buffer, inode: bigint): boolean {
    return lstatSync(this.#place(path), { bigint: true, throwIfNoEntry: false })?.ino === inode
  }

  #place(path: Buffer): Buffer {
    return findPlace(this.#folders.parentOf(path))
  }

  #refusedOrThrow(error: unknown, path: Buffer): false {
    if (!isRefusal(error)) throw explainWriteError(error, path)
    return this.#fault(path, `could not be restored (${errnoOf(error)})`)
  }

  /** Counts refusals in one warning: on a file system without owners, each entry would have one. */
  #onRefused({ path }: TreeEntry): OnRefused {
    return (_, kind) => this.#losses.add(kind, path, 'fault')
  }

  #fault(path: Buffer, message: string): false {
    this.#onWarning({ severity: 'fault', path, message })
    return false
  }
}

function findPlace({ folder, name }: NameInFolder): Buffer {
  return folder.at(name)
}

/** False if the name exists already. */
function createFolderAt(folder: OutputFolder, name: Buffer): boolean {
  return succeedsSync(['EEXIST'], () => mkdirSync(folder.at(name), 0o700))
}

function isFolder(place: Buffer): boolean {
  return lstatSync(place).isDirectory()
}
