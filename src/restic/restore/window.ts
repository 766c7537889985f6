import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { Wanted } from './blob-placer.ts'
import type { Place } from './place-run.ts'

/** Content that is read together: this much of it, or this many pieces. */
const BYTES = 8 << 20
const PIECES = 1024
/** Each keeps its file open, also while the windows before it are written. */
const FILES = 200
const LINKS = 4096

/** A file whose content is on its way. */
export interface OpenFile {
  entry: TreeEntry
  fd: number
  /** Bytes of it so far. */
  placed: number
  /** What became of it where it cannot be had or written. */
  fault: unknown
}

/** Where a piece goes. */
export interface FilePlace extends Place {
  file: OpenFile
}

/** A hard link to what was restored before. */
export interface Link {
  path: Buffer
  target: Buffer
}

/** What is read and written together. Memory: what it holds, whatever the size of a file. */
export class Window {
  /** Files whose last piece is in here. */
  readonly files: OpenFile[] = []
  /** To be made once the files before them are there. */
  readonly links: Link[] = []
  readonly #wanted = new Map<string, Wanted<FilePlace>>()
  #bytes = 0
  #pieces = 0

  get isFull(): boolean {
    const { files, links } = this
    return this.#bytes >= BYTES || this.#pieces >= PIECES || files.length >= FILES || links.length >= LINKS
  }

  get blobs(): Iterable<Wanted<FilePlace>> {
    return this.#wanted.values()
  }

  add(blob: Pick<Wanted<FilePlace>, 'id' | 'where'>, place: FilePlace): void {
    const key = blob.id.toString('latin1')
    const known = this.#wanted.get(key)
    this.#pieces++
    if (known) {
      known.places.push(place)
      return
    }
    this.#wanted.set(key, { ...blob, places: [place] })
    this.#bytes += blob.where?.plainLength ?? 0
  }
}
