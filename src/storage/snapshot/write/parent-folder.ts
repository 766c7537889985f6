import type { Node } from '../nodes/node.ts'
import { nodeBatches } from '../nodes/read-nodes.ts'

/** A directory as the snapshot before has it, gone through by name together with what is there now. */
export class ParentFolder {
  readonly #batches: Iterator<Node[]>
  #batch: Node[] = []
  #at = 0
  /** Nodes up to the last name that was asked for, until they are passed: names come nearly in order. */
  readonly #near = new Map<string, Node>()
  readonly #taken = new Set<Node>()
  readonly #onGone: (node: Node) => void

  /** `onGone` is told of each node whose name was not taken. */
  constructor(tree: Buffer | null, folder: Buffer, onGone: (node: Node) => void) {
    this.#batches = (tree ? nodeBatches(tree, folder) : [])[Symbol.iterator]()
    this.#onGone = onGone
  }

  /** The node of that name, which counts as taken from now on. Names that were passed cannot be found. */
  take(name: Buffer): Node | undefined {
    for (let next = this.#peek(); next && next.name.compare(name) <= 0; next = this.#peek()) {
      this.#near.set(next.name.toString('latin1'), next)
      this.#at++
    }
    const found = this.#near.get(name.toString('latin1'))
    if (found) this.#taken.add(found)
    return found
  }

  /** All names up to this one are done with; all there are without one. */
  pass(last?: Buffer): void {
    for (const [key, node] of this.#near) {
      if (last && node.name.compare(last) > 0) continue
      this.#near.delete(key)
      if (!this.#taken.delete(node)) this.#onGone(node)
    }
    if (last) return
    for (let next = this.#peek(); next; next = this.#peek()) {
      this.#at++
      this.#onGone(next)
    }
  }

  #peek(): Node | undefined {
    while (this.#at >= this.#batch.length) {
      const { value, done } = this.#batches.next()
      if (done) return undefined
      this.#batch = value
      this.#at = 0
    }
    return this.#batch[this.#at]
  }
}
