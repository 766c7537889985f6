import { closeSync } from 'node:fs'
import type { TreeItem } from './entry.ts'
import type { Looker, Place } from './look.ts'
import { SIDE_BY_SIDE } from './looker.ts'
import type { Pin } from './pin.ts'
import { entryOf, typeOf } from './stat-entry.ts'

/** A glance that took longer has waited for a disk or a server: the next names are looked at side by side. */
const WAITED_MS = 0.2

/**
 * Knows entries by one call, without pinning them: most of most volumes, where little changed. It blocks, so it gives
 * way to real looks for a while where something was not in memory, and where little is known.
 */
export class Glance {
  readonly #looker: Looker
  #misses = 0
  #pause = 0

  constructor(looker: Looker) {
    this.#looker = looker
  }

  /**
   * Whether the names of a directory can be had by a glance, `first` one of them: the kernel has them in memory.
   * Elsewhere a call may wait for a server that does not answer, and the whole process with it.
   */
  serves(directory: Pin, first: Buffer): boolean {
    if (directory.cached || directory.fd < 0) return directory.cached
    try {
      const fd = this.#looker.volume.kernel?.pinCached(directory.fd, first)
      if (fd !== undefined) closeSync(fd)
      return fd !== undefined
    } catch {
      return false
    }
  }

  /** What stands behind the name, where all of it is known and it is no directory. */
  known(place: Place): TreeItem | undefined {
    if (this.#pause > 0) {
      this.#pause--
      return undefined
    }
    const began = performance.now()
    const item = this.#itemAt(place)
    if (performance.now() - began > WAITED_MS) this.#pause = SIDE_BY_SIDE
    else if (item) this.#misses = 0
    else this.#pause = this.#misses = Math.min(2 * this.#misses + 1, SIDE_BY_SIDE)
    return item
  }

  #itemAt({ directory, name, path }: Place): TreeItem | undefined {
    const { isKnown, volume } = this.#looker
    if (!isKnown) return undefined
    const { below } = volume.mounts()
    if (below.size > 0 && below.has(path.toString('latin1'))) return undefined
    const stat = volume.kernel?.statAt(directory.fd, name)
    const type = stat && typeOf(stat)
    if (!type || type === 'directory') return undefined
    const entry = entryOf(type, stat, path)
    return isKnown(entry) ? { entry, data: null, open: null } : undefined
  }
}
