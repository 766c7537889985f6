import type { OpenFile, TreeEntry, TreeItem, TreeWarning } from '../../tree/entry.ts'
import { warnOfChange } from '../../tree/look.ts'
import { reasonOf } from '../../tree/reason.ts'
import type { Content, ContentPool } from './content-pool.ts'
import { LinkedContents } from './linked-contents.ts'
import { SmallFiles } from './small-files.ts'

/** A file that is being read. */
export interface Reading {
  content: Promise<Content>
}

export type Warn = (severity: TreeWarning['severity'], path: Buffer, message: string) => void

const NOTHING: Reading = { content: Promise.resolve({ ids: [], fault: undefined }) }

/** Sends the content of files to the threads. */
export class FileReader {
  readonly #pool: ContentPool
  readonly #warn: Warn
  readonly #small: SmallFiles
  readonly #linked = new LinkedContents()

  constructor(pool: ContentPool, warn: Warn) {
    this.#pool = pool
    this.#warn = warn
    this.#small = new SmallFiles(pool)
  }

  /**
   * Begins to read a file, and brings its entry up to date. Undefined, with a warning, where it cannot be opened.
   * What the item has read ahead is taken over before it resolves.
   */
  async read(item: TreeItem): Promise<Reading | undefined> {
    const { entry } = item
    const linked = entry.links > 1 ? this.#linked.find(entry) : undefined
    if (linked) return linked
    const full = this.#pool.room()
    if (full) await full
    const reading = item.data ? this.#take(item.data) : await this.#open(item)
    reading?.content.catch(() => {})
    if (reading && entry.links > 1) this.#linked.add(entry, reading)
    return reading
  }

  /** Lets small files wait for no others. */
  flush(): void {
    this.#small.flush()
  }

  #take(data: Buffer): Reading {
    return data.length === 0 ? NOTHING : { content: this.#small.add(data) }
  }

  async #open({ entry, open }: TreeItem): Promise<Reading | undefined> {
    try {
      const file = await open?.()
      return file ? { content: this.#readOpen(entry, file) } : NOTHING
    } catch (error) {
      this.#warn('fault', entry.path, `cannot be opened: ${reasonOf(error)}`)
      return undefined
    }
  }

  async #readOpen(entry: TreeEntry, file: OpenFile): Promise<Content> {
    try {
      const { size, extents } = entry
      const content = await this.#pool.run({ kind: 'file', fd: file.fd, size, extents })
      const change = content.fault === undefined ? await file.changed() : undefined
      if (content.fault !== undefined) this.#warn('fault', entry.path, content.fault)
      else if (change) warnOfChange(this.#warn, entry.path, change)
      return content
    } finally {
      await file.close()
    }
  }
}
