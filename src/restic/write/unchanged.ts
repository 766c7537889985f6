import type { TreeEntry } from '../../volume/tree/entry.ts'
import { toStorableTime } from '../nodes/go-time.ts'
import type { Node } from '../nodes/node.ts'

/** A file that changed less than this before it was read may have changed again within the same tick of the clock. */
const TICK_NS = 2_000_000_000n

/** Decides which entries are unchanged since the parent snapshot. */
export interface UnchangedRule {
  /** Read everything again, whatever the timestamps are. */
  reread: boolean
  /** When the parent snapshot began. */
  beforeNs: bigint
  /** The parent has all attributes and link targets; if not, they are read again, and only content is reused. */
  hasAttributes: boolean
  hasData(id: Buffer): boolean
  /** The volume's file system reports true sizes: a file of size 0 has no content. */
  hasTrueSizes: boolean
}

/** Whether content, attributes and link target are unchanged since the node was made, so that nothing must be read. */
export function isUnchanged(entry: TreeEntry, node: Node, rule: UnchangedRule): boolean {
  if (rule.reread) return false
  if (entry.type === 'file' && entry.size === 0 && !rule.hasTrueSizes) return false
  return isUntouched(entry, node) && isSettled(entry, rule) && node.content.every(rule.hasData)
}

/** Whether its last change was long enough before the parent began that its timestamps show every later change. */
export function isSettled({ ctimeNs }: TreeEntry, { beforeNs }: UnchangedRule): boolean {
  return ctimeNs <= beforeNs - TICK_NS
}

/** Whether its times and inode are unchanged. Alone this is no proof: see isSettled. */
export function isUntouched(entry: TreeEntry, { entry: before }: Node): boolean {
  return (
    entry.type === before.type &&
    entry.size === before.size &&
    (entry.mtimeNs === before.mtimeNs || toStorableTime(entry.mtimeNs) === before.mtimeNs) &&
    entry.ctimeNs === before.ctimeNs &&
    entry.inode === before.inode
  )
}

/** Whether all other fields of stat are unchanged too. */
export function isSame(entry: TreeEntry, before: TreeEntry): boolean {
  return (
    entry.mode === before.mode &&
    entry.uid === before.uid &&
    entry.gid === before.gid &&
    entry.device === before.device &&
    (entry.links === before.links || entry.type === 'directory') &&
    entry.major === before.major &&
    entry.minor === before.minor
  )
}
