import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { Node } from '../nodes/node.ts'

/** The counts of a run so far. */
export class Counts {
  entries = 0
  files = 0
  /** Content of all files. */
  bytes = 0
  /** Content of the files that were read. */
  bytesRead = 0
  filesNew = 0
  filesChanged = 0
  filesUnchanged = 0
  filesDeleted = 0
  /** Files with the content that they have in the parent snapshot, whatever their timestamps say. */
  filesSame = 0
  /** Entries that are not directories. */
  others = 0
  faults = 0
  /** Directories (their trees) that were deleted since the parent snapshot. */
  readonly goneTrees: Buffer[] = []

  keep(entry: TreeEntry, before: Node | undefined, unchanged: boolean): void {
    this.entries++
    if (entry.type !== 'directory') this.others++
    if (before && before.entry.type !== entry.type) this.gone(before)
    if (entry.type !== 'file') return
    this.files++
    this.bytes += entry.size
    if (!unchanged) this.bytesRead += entry.size
    if (unchanged) this.filesSame++
    if (unchanged) this.filesUnchanged++
    else if (before?.entry.type === 'file') this.filesChanged++
    else this.filesNew++
  }

  /**
   * For a file that was read. Returns whether its content is as it was.
   * @param isUntouched its timestamps say so, too
   */
  readAgain(content: readonly Buffer[], before: Node, isUntouched: boolean): boolean {
    const isSame =
      content.length === before.content.length && content.every((id, at) => before.content[at]?.equals(id))
    if (!isSame) return false
    this.filesSame++
    if (isUntouched) {
      this.filesChanged--
      this.filesUnchanged++
    }
    return true
  }

  gone({ entry, subtree }: Node): void {
    if (entry.type === 'file') this.filesDeleted++
    if (subtree) this.goneTrees.push(subtree)
  }
}
