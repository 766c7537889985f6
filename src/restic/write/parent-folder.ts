import type { Node } from '../nodes/node.ts'

/** A directory in the parent snapshot, read in the order of names in step with the current directory. */
export class ParentFolder {
  /** Undefined at its end. */
  #batches: AsyncIterator<Node[]> | undefined
  /** Nodes that were read, but are after the last requested name. */
  #ahead: Node[] = []
  #at = 0
  /** Nodes up to the last requested name, until pass(): names are requested nearly in order. */
  readonly #near = new Map<string, Node>()
  readonly #claimed = new Set<Node>()
  readonly #onGone: (node: Node) => void

  /**
   * `batches` is sorted by name; null if the parent has no such directory. `onGone` gets each node that was not
   * claimed.
   */
  constructor(batches: AsyncIterable<Node[]> | null, onGone: (node: Node) => void) {
    this.#batches = batches?.[Symbol.asyncIterator]()
    this.#onGone = onGone
  }

  /** Reads ahead, so that names up to this one can be claimed. */
  async reach(name: Buffer): Promise<void> {
    for (let last = this.#ahead.at(-1); !last || last.name.compare(name) < 0; last = this.#ahead.at(-1)) {
      const batch = await this.#next()
      if (!batch) return
      this.#ahead = [...this.#ahead.slice(this.#at), ...batch]
      this.#at = 0
    }
  }

  /**
   * Finds the node of a name and marks it as still existing. Names that were passed or not reached yet are not found.
   */
  claim(name: Buffer): Node | undefined {
    for (
      let next = this.#ahead[this.#at];
      next && next.name.compare(name) <= 0;
      next = this.#ahead[this.#at]
    ) {
      this.#near.set(next.name.toString('latin1'), next)
      this.#at++
    }
    const found = this.#near.get(name.toString('latin1'))
    if (found) this.#claimed.add(found)
    return found
  }

  /** All names up to this one are finished. */
  pass(last: Buffer): void {
    for (const [key, node] of this.#near) if (node.name.compare(last) <= 0) this.#forget(key, node)
  }

  /** All names are finished. */
  async passAll(): Promise<void> {
    for (const [key, node] of this.#near) this.#forget(key, node)
    for (let rest: Node[] | undefined = this.#ahead.slice(this.#at); rest; rest = await this.#next())
      for (const node of rest) this.#onGone(node)
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#batches?.return?.()
    this.#batches = undefined
  }

  #forget(key: string, node: Node): void {
    this.#near.delete(key)
    if (!this.#claimed.delete(node)) this.#onGone(node)
  }

  async #next(): Promise<Node[] | undefined> {
    const { value, done } = (await this.#batches?.next()) ?? { value: undefined, done: true }
    if (!done) return value
    this.#batches = undefined
    return undefined
  }
}
