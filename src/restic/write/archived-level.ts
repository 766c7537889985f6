import type { TreeEntry } from '../../volume/tree/entry.ts'
import { lastName, type Node } from '../nodes/node.ts'
import { distrust } from './new-node.ts'
import type { ParentFolder } from './parent-folder.ts'
import type { TreeBuilder } from './tree-builder.ts'
import { isUnchanged, type UnchangedRule } from './unchanged.ts'

/** A directory that is being archived, and what is known of the last batch of its entries. */
export class ArchivedLevel {
  readonly parent: ParentFolder
  readonly tree: TreeBuilder
  /** The parent snapshot's nodes of the entries. */
  readonly before = new Map<TreeEntry, Node>()
  /** Entries that need not be read at all. */
  readonly unchanged = new Set<TreeEntry>()
  /** Entries whose content need not be read. */
  readonly sameContent = new Set<TreeEntry>()
  /** Paths that could not be inspected completely. */
  readonly #faulty = new Set<string>()

  constructor(parent: ParentFolder, tree: TreeBuilder) {
    this.parent = parent
    this.tree = tree
  }

  forgetBatch(): void {
    this.before.clear()
    this.unchanged.clear()
    this.sameContent.clear()
    this.#faulty.clear()
  }

  /** Looks the entry up in the parent snapshot; returns whether it need not be read at all. */
  isKnown(entry: TreeEntry, rule: UnchangedRule): boolean {
    const node = this.parent.claim(lastName(entry.path))
    if (!node) return false
    this.before.set(entry, node)
    if (!isUnchanged(entry, node, rule)) return false
    if (rule.hasAttributes) this.unchanged.add(entry)
    else this.sameContent.add(entry)
    return rule.hasAttributes
  }

  noteFault(path: Buffer): void {
    this.#faulty.add(path.toString('latin1'))
  }

  distrustIfFaulty(entry: TreeEntry): void {
    if (this.#faulty.size > 0 && this.#faulty.has(entry.path.toString('latin1'))) distrust(entry)
  }
}
