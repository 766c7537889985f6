import { bytesToText } from '../lib/byte-paths.ts'
import { hasCode } from '../lib/errors.ts'
import type { ObjectReader } from '../objects/driver.ts'
import { ArchiveFault } from './archive-fault.ts'
import { ArchivePaths } from './archive-paths.ts'
import { type IndexEntry, readIndex } from './index-format.ts'
import type { TarEntry } from './tar-entries.ts'

/** Compares the entries of an archive with its index, in order. Remembers the first difference and then stops. */
export class IndexComparison {
  readonly #entries: AsyncGenerator<IndexEntry>
  readonly #paths = new ArchivePaths((top) =>
    this.#note(
      `it knows one directory at the top of the archive, which has ${JSON.stringify(bytesToText(top))} too`,
    ),
  )
  #difference: string | null = null

  constructor(index: ObjectReader) {
    this.#entries = entriesOfVolume(index)
  }

  /** False once a difference was found. */
  get isEqual(): boolean {
    return this.#difference === null
  }

  /** @param sha256 of the content; null if it was not computed */
  async compare(entry: TarEntry, sha256: string | null): Promise<void> {
    const path = this.isEqual ? this.#findPath(entry) : ''
    if (path === '') return
    const indexed = await this.#next()
    const name = JSON.stringify(path)
    if (!indexed) this.#note(`it ends before ${name}`)
    else if (indexed.path !== path)
      this.#note(`it has ${JSON.stringify(indexed.path)}, and the archive ${name}`)
    else if (!hasSameContent(indexed, entry, sha256))
      this.#note(`it describes ${name} differently than the archive`)
  }

  /** Returns the difference; null if there is none. */
  async finish(): Promise<string | null> {
    const more = this.isEqual ? await this.#next() : undefined
    if (more) this.#note(`it has ${JSON.stringify(more.path)}, which is not in the archive`)
    await this.#entries.return(undefined)
    return this.#difference
  }

  /** Empty for the volume itself, and for a name that no index has. */
  #findPath({ name, type }: TarEntry): string {
    try {
      return bytesToText(this.#paths.resolve(name, type === 'directory'))
    } catch (error) {
      if (!(error instanceof ArchiveFault)) throw error
      this.#note(`the archive has ${error.message}`)
      return ''
    }
  }

  /** Errors of the store are thrown: they prove nothing. */
  async #next(): Promise<IndexEntry | undefined> {
    try {
      const next = await this.#entries.next()
      return next.done ? undefined : next.value
    } catch (error) {
      if (!hasCode(error, 'ARCHIVE_CORRUPT')) throw error
      this.#note(error.message)
      return undefined
    }
  }

  #note(difference: string): void {
    this.#difference ??= difference
  }
}

/** The archive has the root of the volume as its directory at the top, which has no path. */
async function* entriesOfVolume(index: ObjectReader): AsyncGenerator<IndexEntry> {
  for await (const line of readIndex(index)) if (line.kind === 'entry' && line.path !== '') yield line
}

function hasSameContent(
  indexed: IndexEntry,
  { type, size, xattrs, flags }: TarEntry,
  sha256: string | null,
): boolean {
  if (indexed.type !== type || (indexed.exact && xattrs.length + flags > 0)) return false
  if (type !== 'file') return true
  return indexed.size === size && (sha256 === null || indexed.sha256 === null || indexed.sha256 === sha256)
}
