import { describeReason } from '../../volume/tree/describe-reason.ts'
import type { OpenFile, TreeEntry, TreeItem, TreeWarning } from '../../volume/tree/entry.ts'
import { warnOfChange } from '../../volume/tree/inspect.ts'
import type { Content, ContentPool } from './content-pool.ts'
import { LinkedContents } from './linked-contents.ts'
import type { PendingContent } from './pending-content.ts'
import { SmallFiles } from './small-files.ts'

export type Warn = (severity: TreeWarning['severity'], path: Buffer, message: string) => void

const NOTHING: PendingContent = { content: Promise.resolve({ ids: [], fault: undefined }) }

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
   * Begins to read a file, and updates its entry. Undefined, with a warning, if it cannot be opened.
   * Data that the item has read ahead is copied before this resolves; synchronously if the pool has room.
   */
  read(item: TreeItem): PendingContent | undefined | Promise<PendingContent | undefined> {
    const { entry, data } = item
    const linked = entry.links > 1 ? this.#linked.find(entry) : undefined
    if (linked) return linked
    const full = this.#pool.room()
    return data && !full ? this.#remember(entry, this.#readAhead(data)) : this.#readWaiting(item, full)
  }

  async #readWaiting(item: TreeItem, full: Promise<void> | undefined): Promise<PendingContent | undefined> {
    await full
    const pending = item.data ? this.#readAhead(item.data) : await this.#open(item)
    pending?.content.catch(() => {})
    return pending && this.#remember(item.entry, pending)
  }

  /** Other names of the same file get the same content. */
  #remember(entry: TreeEntry, pending: PendingContent): PendingContent {
    if (entry.links > 1) this.#linked.add(entry, pending)
    return pending
  }

  /** Sends collected small files now, without waiting for more. */
  flush(): void {
    this.#small.flush()
  }

  /** For content that the walk has already read. */
  #readAhead(data: Buffer): PendingContent {
    return data.length === 0 ? NOTHING : { content: this.#small.add(data) }
  }

  async #open({ entry, open }: TreeItem): Promise<PendingContent | undefined> {
    try {
      const file = await open?.()
      return file ? { content: this.#readOpen(entry, file) } : NOTHING
    } catch (error) {
      this.#warn('fault', entry.path, `cannot be opened: ${describeReason(error)}`)
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
