import { bytesToText } from '../lib/byte-paths.ts'
import { componentsOf } from '../volume/tree/write-paths.ts'
import { unsafe } from './archive-fault.ts'

const SLASH = Buffer.from('/')
const DOT = Buffer.from('.')
const DOTS = Buffer.from('..')
/** Twice the depth that Linux's own limits make possible to reach step by step is far below this. */
const LONGEST_NAME = 1 << 20

interface Name {
  components: Buffer[]
  /** Written as `./…`. */
  dotted: boolean
}

/**
 * Where the entries of an archive belong in the volume. The one directory at the top is dropped, whatever its name;
 * `.` is one too. An archive that has none (a file at its root, a second directory) has its names taken as they stand.
 */
export class ArchivePlace {
  /** Undefined before the first entry; null where nothing is dropped. */
  #top: Buffer | null | undefined
  readonly #onNoTop: (top: Buffer) => void

  /** `onNoTop` is told the directory that was taken for the top and is none: all entries so far belong in it. */
  constructor(onNoTop: (top: Buffer) => void) {
    this.#onNoTop = onNoTop
  }

  /** The path in the volume, empty for the volume itself. Throws an unsafe ArchiveFault for a name that leads out. */
  of(name: Buffer, isDirectory: boolean): Buffer {
    const parsed = safeName(name)
    if (this.#top === undefined) this.#top = topOf(parsed, isDirectory)
    else if (this.#top && !isBelow(this.#top, parsed, isDirectory)) this.#forgetTop(this.#top)
    return joined(this.#top ? parsed.components.slice(1) : parsed.components)
  }

  /** The same for what a hard link names; nothing outside of the top is in the archive. */
  ofLink(name: Buffer): Buffer {
    const parsed = safeName(name)
    if (this.#top && !isBelow(this.#top, parsed, false)) throw unsafe(`hard link to "${bytesToText(name)}"`)
    return joined(this.#top ? parsed.components.slice(1) : parsed.components)
  }

  #forgetTop(top: Buffer): void {
    this.#top = null
    this.#onNoTop(top)
  }
}

function topOf({ components, dotted }: Name, isDirectory: boolean): Buffer | null {
  const holdsMore = components.length > 1 || isDirectory
  return holdsMore && !dotted ? (components[0] ?? null) : null
}

function isBelow(top: Buffer, { components, dotted }: Name, isDirectory: boolean): boolean {
  const holdsMore = components.length > 1 || isDirectory
  return holdsMore && !dotted && components[0]?.equals(top) === true
}

function safeName(name: Buffer): Name {
  const text = bytesToText(name.subarray(0, 4096))
  if (name.length === 0) throw unsafe('an empty name')
  if (name.length > LONGEST_NAME) throw unsafe(`a name of ${name.length} bytes`)
  if (name[0] === 0x2f) throw unsafe(`the absolute name "${text}"`)
  if (name.includes(0)) throw unsafe(`the name "${text}" with a NUL in it`)
  const all = componentsOf(name)
  if (all.some((component) => component.equals(DOTS))) throw unsafe(`the name "${text}", which leads up`)
  return {
    components: all.filter((component) => !component.equals(DOT)),
    dotted: all[0]?.equals(DOT) === true,
  }
}

function joined(components: readonly Buffer[]): Buffer {
  return Buffer.concat(components.flatMap((component, at) => (at === 0 ? [component] : [SLASH, component])))
}
