import { requireErrno } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { CoarseTimes } from './coarse-times.ts'
import type { TreeEntry } from './entry.ts'
import { PROTECTING_FLAGS, setFlags } from './inode-flags.ts'
import type { Losses } from './losses.ts'
import type { OnProtected } from './on-protected.ts'
import type { OutputFolder } from './write-folder.ts'
import type { NameInFolder } from './write-metadata.ts'

/** Sets metadata that not every file system can store, inode flags and exact times, and counts what is lost. */
export class RestOfMetadata {
  readonly #losses: Losses
  readonly #times: CoarseTimes
  readonly #onProtected: OnProtected | undefined

  constructor(target: OutputFolder, losses: Losses, onProtected?: OnProtected) {
    this.#losses = losses
    this.#times = new CoarseTimes(target, losses)
    this.#onProtected = onProtected
  }

  /** Call it after all other metadata of an open file or directory was set. */
  apply(fd: number, entry: TreeEntry): void {
    this.#times.note(entry.path, entry.mtimeNs, () => loadKernel()?.mtimeOf(fd))
    const { flags = 0, path } = entry
    if (flags === 0) return
    if (!this.#set(fd, entry) || !(flags & PROTECTING_FLAGS)) return
    if (this.#onProtected) this.#onProtected(path, flags)
    else this.#losses.add('the flags "immutable" and "append-only" of % were not restored', path)
  }

  /** The same for an entry that is not open (symlink, fifo, device), which has no flags. */
  noteTime({ folder, name }: NameInFolder, { path, mtimeNs }: TreeEntry): void {
    this.#times.note(path, mtimeNs, () => loadKernel()?.statAt(folder.fd, name)?.mtimeNs)
  }

  #set(fd: number, { flags = 0, path }: TreeEntry): boolean {
    const kernel = loadKernel()
    try {
      if (kernel) setFlags(kernel, fd, flags & ~PROTECTING_FLAGS)
      return kernel !== undefined
    } catch (error) {
      this.#losses.add(`the inode flags (chattr) of % could not be restored (${requireErrno(error)})`, path)
      return false
    }
  }
}
