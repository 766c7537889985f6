import type { TreeEntry } from '../../volume/tree/entry.ts'

export interface SnapshotProgress {
  /** Content that was read, or found unchanged. */
  bytes: number
  files: number
  /** What was kept last, or looked at again. */
  path: Buffer
  /** If it was looked at again. */
  phase?: 'recheck'
  /** As the snapshot before had them; null where that is not known, or is passed. */
  bytesTotal: number | null
  filesTotal: number | null
}

export interface Totals {
  bytes: number
  files: number
}

/** Adds up what a run does. */
export class RunProgress {
  readonly #tell: (progress: SnapshotProgress) => void
  readonly #totals: Totals | null
  #bytes = 0
  #files = 0
  #path: Buffer = Buffer.alloc(0)

  constructor(totals: Totals | null, tell: (progress: SnapshotProgress) => void) {
    this.#totals = totals
    this.#tell = tell
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
    this.#tell({
      bytes: this.#bytes,
      files: this.#files,
      path: this.#path,
      ...(phase && { phase }),
      bytesTotal: totals && !isOver ? totals.bytes : null,
      filesTotal: totals && !isOver ? totals.files : null,
    })
  }
}
