import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { Reading } from './reading.ts'

/** More are not remembered: they are read once for each name. */
const MOST = 50_000

interface Linked {
  reading: Reading
  /** The one that was read. */
  entry: TreeEntry
  /** Names that did not come yet. */
  left: number
}

/** Files with several names are read once. */
export class LinkedContents {
  readonly #files = new Map<string, Linked>()

  /** What another name of the same file was read for; undefined if the file changed since, or another has its inode. */
  find(entry: TreeEntry): Reading | undefined {
    const key = keyOf(entry)
    const found = this.#files.get(key)
    if (!found || !isSameFile(found.entry, entry)) return undefined
    if (--found.left <= 0) this.#files.delete(key)
    return found.reading
  }

  add(entry: TreeEntry, reading: Reading): void {
    if (this.#files.size < MOST) this.#files.set(keyOf(entry), { reading, entry, left: entry.links - 1 })
  }
}

function keyOf({ device, inode }: TreeEntry): string {
  return `${device}:${inode}`
}

function isSameFile(a: TreeEntry, b: TreeEntry): boolean {
  return a.type === b.type && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}
