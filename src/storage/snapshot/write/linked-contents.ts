import type { TreeEntry } from '../../tree/entry.ts'
import type { Reading } from './file-reader.ts'

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

  /**
   * What another name of the file was read for; the entry takes over what it was then. A file that was written since,
   * or is a new one that got the inode of one that is gone, is read by itself.
   */
  find(entry: TreeEntry): Reading | undefined {
    const key = keyOf(entry)
    const found = this.#files.get(key)
    if (!found || found.entry.size !== entry.size || found.entry.mtimeNs !== entry.mtimeNs) return undefined
    if (--found.left <= 0) this.#files.delete(key)
    const { size, mtimeNs, ctimeNs } = found.entry
    Object.assign(entry, { size, mtimeNs, ctimeNs })
    return found.reading
  }

  add(entry: TreeEntry, reading: Reading): void {
    if (this.#files.size < MOST) this.#files.set(keyOf(entry), { reading, entry, left: entry.links - 1 })
  }
}

function keyOf({ device, inode }: TreeEntry): string {
  return `${device}:${inode}`
}
