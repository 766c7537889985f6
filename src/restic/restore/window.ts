import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { WantedBlob } from './blob-placer.ts'
import type { WritePlace } from './place-run.ts'

/** The limits of a window. Its files stay open while earlier windows are written. */
const MAX_BYTES = 8 << 20
const MAX_PIECES = 1024
const MAX_FILES = 200
const MAX_LINKS = 4096

/** A file whose content is being written. */
export interface RestoredFile {
  entry: TreeEntry
  fd: number
  /** Bytes written so far. */
  placed: number
  /** The error if its content is damaged or cannot be written. */
  fault: unknown
}

/** The place that a piece is written to. */
export interface PlaceInFile extends WritePlace {
  file: RestoredFile
}

/** A hard link to an entry that was restored before. */
export interface Link {
  path: Buffer
  target: Buffer
}

/** Content that is read and written together. Limits the memory, whatever the size of files. */
export class Window {
  /** Files whose last piece is in this window. */
  readonly files: RestoredFile[] = []
  /** Links to create once the files before them are written. */
  readonly links: Link[] = []
  readonly #wanted = new Map<string, WantedBlob<PlaceInFile>>()
  #bytes = 0
  #pieces = 0

  get isFull(): boolean {
    const { files, links } = this
    return (
      this.#bytes >= MAX_BYTES ||
      this.#pieces >= MAX_PIECES ||
      files.length >= MAX_FILES ||
      links.length >= MAX_LINKS
    )
  }

  get blobs(): Iterable<WantedBlob<PlaceInFile>> {
    return this.#wanted.values()
  }

  add(blob: Pick<WantedBlob<PlaceInFile>, 'id' | 'where'>, place: PlaceInFile): void {
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
