import type { TreeEntry } from '../../volume/tree/entry.ts'

export interface SnapshotProgress {
  /** Content that was read or is unchanged. */
  bytes: number
  files: number
  /** The last path that was stored or checked again. */
  path: Buffer
  /** Set while paths are checked again. */
  phase?: 'recheck'
  /** The totals of the parent snapshot; null if they are not known, or exceeded. */
  bytesTotal: number | null
  filesTotal: number | null
}

export interface Totals {
  bytes: number
  files: number
}

/** Sums up the progress of a run. */
export class RunProgress {
  readonly #onProgress: (progress: SnapshotProgress) => void
  readonly #totals: Totals | null
  #bytes = 0
  #files = 0
  #path: Buffer = Buffer.alloc(0)

  constructor(totals: Totals | null, onProgress: (progress: SnapshotProgress) => void) {
    this.#totals = totals
    this.#onProgress = onProgress
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes
    this.#report()
  }

  addEntry(entry: TreeEntry, unchanged: boolean): void {
    this.#path = entry.path
    if (entry.type === 'file') {
      this.#files++
      if (unchanged) this.#bytes += entry.size
    }
    this.#report()
  }

  addRecheck(path: Buffer): void {
    this.#path = path
    this.#report('recheck')
  }

  #report(phase?: 'recheck'): void {
    const totals = this.#totals
    const isOver = totals !== null && (this.#bytes > totals.bytes || this.#files > totals.files)
    this.#onProgress({
      bytes: this.#bytes,
      files: this.#files,
      path: this.#path,
      ...(phase && { phase }),
      bytesTotal: totals && !isOver ? totals.bytes : null,
      filesTotal: totals && !isOver ? totals.files : null,
    })
  }
}
