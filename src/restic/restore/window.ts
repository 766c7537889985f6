import type { Driver } from '../../objects/driver.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { WantedBlob } from './blob-placer.ts'
import type { WritePlace } from './place-run.ts'

/** Its files stay open while earlier windows are written. */
export interface WindowLimits {
  bytes: number
  pieces: number
  files: number
}

const OF_FILES: WindowLimits = { bytes: 8 << 20, pieces: 1024, files: 200 }
/** The content of a window has only what is read at once in memory; a larger one is read with fewer requests. */
const OF_REQUESTS: WindowLimits = { bytes: 32 << 20, pieces: 4096, files: 500 }
const MAX_LINKS = 4096

/** The limits with which a restore from this store is fastest. */
export function chooseWindowLimits({ cache }: Pick<Driver, 'cache'>): WindowLimits {
  return cache ? OF_REQUESTS : OF_FILES
}

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
  readonly #limits: WindowLimits
  readonly #wanted = new Map<string, WantedBlob<PlaceInFile>>()
  #bytes = 0
  #pieces = 0

  constructor(limits: WindowLimits) {
    this.#limits = limits
  }

  get isFull(): boolean {
    const { files, links } = this
    const limits = this.#limits
    return (
      this.#bytes >= limits.bytes ||
      this.#pieces >= limits.pieces ||
      files.length >= limits.files ||
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
