import { bytesToText, SLASH, SLASH_BYTES } from '../lib/byte-paths.ts'
import { splitComponents } from '../volume/tree/write-paths.ts'
import { unsafe } from './archive-fault.ts'

const DOT = Buffer.from('.')
const DOTS = Buffer.from('..')
/** Real trees have far shorter paths, even deep ones. */
const MAX_NAME_BYTES = 1 << 20

interface Name {
  components: Buffer[]
  /** It begins with `./`. */
  dotted: boolean
}

/**
 * Turns names in an archive into paths in the volume. Drops the one directory at the top, whatever its name is, `.`
 * included. If there is no such directory (a file at the root, or a second directory), names are paths already.
 */
export class ArchivePaths {
  /** Undefined before the first entry; null if nothing is dropped. */
  #top: Buffer | null | undefined
  readonly #onNoTop: (top: Buffer) => void

  /** `onNoTop` gets a directory that is not the only one after all: all entries so far belong into it. */
  constructor(onNoTop: (top: Buffer) => void) {
    this.#onNoTop = onNoTop
  }

  /**
   * Returns the path in the volume, empty for the volume itself. Throws an unsafe ArchiveFault for a name that leads
   * out.
   */
  resolve(name: Buffer, isDirectory: boolean): Buffer {
    const parsed = parseName(name)
    if (this.#top === undefined) this.#top = findTop(parsed, isDirectory)
    else if (this.#top && !isBelow(this.#top, parsed, isDirectory)) this.#forgetTop(this.#top)
    return joinComponents(this.#top ? parsed.components.slice(1) : parsed.components)
  }

  /** The same for the target of a hard link. The archive contains nothing outside its top directory. */
  resolveLink(name: Buffer): Buffer {
    const parsed = parseName(name)
    if (this.#top && !isBelow(this.#top, parsed, false)) throw unsafe(`hard link to "${bytesToText(name)}"`)
    return joinComponents(this.#top ? parsed.components.slice(1) : parsed.components)
  }

  #forgetTop(top: Buffer): void {
    this.#top = null
    this.#onNoTop(top)
  }
}

function findTop({ components, dotted }: Name, isDirectory: boolean): Buffer | null {
  const holdsMore = components.length > 1 || isDirectory
  return holdsMore && !dotted ? (components[0] ?? null) : null
}

function isBelow(top: Buffer, { components, dotted }: Name, isDirectory: boolean): boolean {
  const holdsMore = components.length > 1 || isDirectory
  return holdsMore && !dotted && components[0]?.equals(top) === true
}

function parseName(name: Buffer): Name {
  const text = bytesToText(name.subarray(0, 4096))
  if (name.length === 0) throw unsafe('an empty name')
  if (name.length > MAX_NAME_BYTES) throw unsafe(`a name of ${name.length} bytes`)
  if (name[0] === SLASH) throw unsafe(`the absolute name "${text}"`)
  if (name.includes(0)) throw unsafe(`the name "${text}" with a NUL in it`)
  const all = splitComponents(name)
  if (all.some((component) => component.equals(DOTS))) throw unsafe(`the name "${text}", which leads up`)
  return {
    components: all.filter((component) => !component.equals(DOT)),
    dotted: all[0]?.equals(DOT) === true,
  }
}

function joinComponents(components: readonly Buffer[]): Buffer {
  return Buffer.concat(
    components.flatMap((component, at) => (at === 0 ? [component] : [SLASH_BYTES, component])),
  )
}
