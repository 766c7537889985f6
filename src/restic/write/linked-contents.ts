import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { PendingContent } from './pending-content.ts'

/** Files beyond this number are not remembered, and are read once for each name. */
const MAX_FILES = 50_000

interface Linked {
  pending: PendingContent
  /** The entry that was read. */
  entry: TreeEntry
  /** The number of names that are still expected. */
  left: number
}

/** Remembers files with several names, so that each is read once. */
export class LinkedContents {
  readonly #files = new Map<string, Linked>()

  /** The content of another name of the same file; undefined if the file changed since, or its inode was reused. */
  find(entry: TreeEntry): PendingContent | undefined {
    const key = makeLinkKey(entry)
    const found = this.#files.get(key)
    if (!found || !isSameFile(found.entry, entry)) return undefined
    if (--found.left <= 0) this.#files.delete(key)
    return found.pending
  }

  add(entry: TreeEntry, pending: PendingContent): void {
    if (this.#files.size < MAX_FILES)
      this.#files.set(makeLinkKey(entry), { pending, entry, left: entry.links - 1 })
  }
}

function makeLinkKey({ device, inode }: TreeEntry): string {
  return `${device}:${inode}`
}

function isSameFile(a: TreeEntry, b: TreeEntry): boolean {
  return a.type === b.type && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}
