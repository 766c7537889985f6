import { closeSync } from 'node:fs'
import type { TreeItem } from './entry.ts'
import type { EntryPlace, Inspector } from './inspect.ts'
import { MAX_CONCURRENT } from './inspector.ts'
import type { Pin } from './pin.ts'
import { readEntryType, toTreeEntry } from './stat-entry.ts'

/** A call that took longer had to wait for a disk or a server: the next names are then inspected concurrently. */
const BLOCKED_MS = 0.2

/**
 * Fast path for unchanged entries: one blocking stat call, without pinning. It pauses, and leaves entries to the normal
 * inspection, after a call that had to wait, and after entries that turned out not to be known.
 */
export class FastStat {
  readonly #inspector: Inspector
  #misses = 0
  #pause = 0

  constructor(inspector: Inspector) {
    this.#inspector = inspector
  }

  /**
   * Whether fast calls are possible for a directory: its name `first` is in the kernel's cache. Otherwise a call, and
   * the whole process with it, might wait for a server that does not answer.
   */
  serves(directory: Pin, first: Buffer): boolean {
    if (directory.cached || directory.fd < 0) return directory.cached
    try {
      const fd = this.#inspector.volume.kernel?.pinCached(directory.fd, first)
      if (fd !== undefined) closeSync(fd)
      return fd !== undefined
    } catch {
      return false
    }
  }

  /** The entry of this name, if it is known and not a directory. */
  known(place: EntryPlace): TreeItem | undefined {
    if (this.#pause > 0) {
      this.#pause--
      return undefined
    }
    const began = performance.now()
    const item = this.#itemAt(place)
    if (performance.now() - began > BLOCKED_MS) this.#pause = MAX_CONCURRENT
    else if (item) this.#misses = 0
    else this.#pause = this.#misses = Math.min(2 * this.#misses + 1, MAX_CONCURRENT)
    return item
  }

  #itemAt({ directory, name, path }: EntryPlace): TreeItem | undefined {
    const { isKnown, volume } = this.#inspector
    if (!isKnown) return undefined
    const { below } = volume.mounts()
    if (below.size > 0 && below.has(path.toString('latin1'))) return undefined
    const stat = volume.kernel?.statAt(directory.fd, name)
    const type = stat && readEntryType(stat)
    if (!type || type === 'directory') return undefined
    const entry = toTreeEntry(type, stat, path)
    return isKnown(entry) ? { entry, data: null, open: null } : undefined
  }
}
