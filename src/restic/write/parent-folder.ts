import type { Node } from '../nodes/node.ts'

/** A directory as the snapshot before has it, gone through by name together with what is there now. */
export class ParentFolder {
  /** Undefined at its end. */
  #batches: AsyncIterator<Node[]> | undefined
  /** Read, and beyond the last name that was asked for. */
  #ahead: Node[] = []
  #at = 0
  /** Nodes up to the last name that was asked for, until they are passed: names come nearly in order. */
  readonly #near = new Map<string, Node>()
  readonly #taken = new Set<Node>()
  readonly #onGone: (node: Node) => void

  /** `batches` by name; null where there was no such directory. `onGone` is told of each node whose name was not taken. */
  constructor(batches: AsyncIterable<Node[]> | null, onGone: (node: Node) => void) {
    this.#batches = batches?.[Symbol.asyncIterator]()
    this.#onGone = onGone
  }

  /** Reads on, so that names up to this one can be taken. */
  async reach(name: Buffer): Promise<void> {
    for (let last = this.#ahead.at(-1); !last || last.name.compare(name) < 0; last = this.#ahead.at(-1)) {
      const batch = await this.#next()
      if (!batch) return
      this.#ahead = [...this.#ahead.slice(this.#at), ...batch]
      this.#at = 0
    }
  }

  /** The node of that name, which counts as taken from now on. Names that were passed, or not reached, cannot be found. */
  take(name: Buffer): Node | undefined {
    for (
      let next = this.#ahead[this.#at];
      next && next.name.compare(name) <= 0;
      next = this.#ahead[this.#at]
    ) {
      this.#near.set(next.name.toString('latin1'), next)
      this.#at++
    }
    const found = this.#near.get(name.toString('latin1'))
    if (found) this.#taken.add(found)
    return found
  }

  /** All names up to this one are done with. */
  pass(last: Buffer): void {
    for (const [key, node] of this.#near) if (node.name.compare(last) <= 0) this.#forget(key, node)
  }

  /** All there are are done with. */
  async passAll(): Promise<void> {
    for (const [key, node] of this.#near) this.#forget(key, node)
    for (let rest: Node[] | undefined = this.#ahead.slice(this.#at); rest; rest = await this.#next())
      for (const node of rest) this.#onGone(node)
  }

  /** Reads no further. */
  async close(): Promise<void> {
    await this.#batches?.return?.()
    this.#batches = undefined
  }

  #forget(key: string, node: Node): void {
    this.#near.delete(key)
    if (!this.#taken.delete(node)) this.#onGone(node)
  }

  async #next(): Promise<Node[] | undefined> {
    const { value, done } = (await this.#batches?.next()) ?? { value: undefined, done: true }
    if (!done) return value
    this.#batches = undefined
    return undefined
  }
}
