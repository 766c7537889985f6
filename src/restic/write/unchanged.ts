import type { TreeEntry } from '../../volume/tree/entry.ts'
import { keptTime } from '../nodes/go-time.ts'
import type { Node } from '../nodes/node.ts'

/** What changed so shortly before it was read may have changed again in the same tick of the file system's clock. */
const TICK_NS = 2_000_000_000n

/** Tells what is as the snapshot before has it. */
export interface UnchangedRule {
  /** Everything is read again, whatever its timestamps say. */
  reread: boolean
  /** When the snapshot before was begun. */
  beforeNs: bigint
  /** It has all attributes and link targets as they were; where not, they are read again, and content alone is taken over. */
  hasAttributes: boolean
  hasData(id: Buffer): boolean
  /** The volume's file system reports true sizes: a file of size 0 has no content. */
  hasTrueSizes: boolean
}

/** Content, attributes and link target are what they were when the node was made: nothing of it has to be read. */
export function isUnchanged(entry: TreeEntry, node: Node, rule: UnchangedRule): boolean {
  if (rule.reread) return false
  if (entry.type === 'file' && entry.size === 0 && !rule.hasTrueSizes) return false
  return isUntouched(entry, node) && isSettled(entry, rule) && node.content.every(rule.hasData)
}

/** It changed long enough before the snapshot before was begun for its timestamps to tell of every change since. */
export function isSettled({ ctimeNs }: TreeEntry, { beforeNs }: UnchangedRule): boolean {
  return ctimeNs <= beforeNs - TICK_NS
}

/** By its times and inode; so shortly before the node was made, more may have happened than they tell. */
export function isUntouched(entry: TreeEntry, { entry: before }: Node): boolean {
  return (
    entry.type === before.type &&
    entry.size === before.size &&
    (entry.mtimeNs === before.mtimeNs || keptTime(entry.mtimeNs) === before.mtimeNs) &&
    entry.ctimeNs === before.ctimeNs &&
    entry.inode === before.inode
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
