import type { TreeEntry } from '../../tree/entry.ts'
import type { Node } from '../nodes/node.ts'

/** What changed so shortly before it was read may have changed again in the same tick of the file system's clock. */
const TICK_NS = 2_000_000_000n

/** Tells what is as the snapshot before has it. */
export interface UnchangedRule {
  /** When the snapshot before was begun. */
  beforeNs: bigint
  hasData(id: Buffer): boolean
}

/** Content, attributes and link target are those of the node: nothing of it has to be read. */
export function isUnchanged(
  entry: TreeEntry,
  { entry: before, content }: Node,
  rule: UnchangedRule,
): boolean {
  return (
    entry.type === before.type &&
    entry.size === before.size &&
    entry.mtimeNs === before.mtimeNs &&
    entry.ctimeNs === before.ctimeNs &&
    entry.inode === before.inode &&
    entry.ctimeNs <= rule.beforeNs - TICK_NS &&
    content.every(rule.hasData)
  )
}

/** Of what is unchanged: every other thing that stat tells is the same too. */
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
