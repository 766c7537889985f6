import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { NodeFacts } from '../nodes/node.ts'
import { TreeEncoder } from '../nodes/tree-encoder.ts'
import type { Backlog } from './backlog.ts'
import { TreeBlob, type TreeStore } from './tree-blob.ts'

/** One thing of a directory, as it is to be kept. */
export interface NewNode extends NodeFacts {
  entry: TreeEntry
  /** The snapshot before has the very same. */
  same: boolean
}

export interface BuiltTree {
  id: Buffer
  /** It is the tree of the snapshot before. */
  same: boolean
}

/** So many nodes are kept in the hope that nothing in the directory differs: then it need not be written. */
const SAME_MOST = 4096

interface Slot {
  node: NewNode | undefined
  ready: boolean
}

/** The tree of one directory. Nodes are added in order; what they are may be known later. */
export class TreeBuilder {
  readonly #blob: TreeBlob
  readonly #encoder = new TreeEncoder()
  readonly #backlog: Backlog
  readonly #before: Buffer | null
  readonly #done = Promise.withResolvers<BuiltTree>()
  #slots: Slot[] = []
  #first = 0
  /** What is the same so far; null once something differs. */
  #same: NewNode[] | null
  #ended = false
  #stored = false
  /** Pieces of it that are still to be taken. */
  #writing = 0

  /** `before`: its tree in the snapshot before. */
  constructor(store: TreeStore, backlog: Backlog, before: Buffer | null) {
    this.#blob = new TreeBlob(store)
    this.#backlog = backlog
    this.#before = before
    this.#same = before ? [] : null
    this.#done.promise.catch(() => {})
  }

  /** What a promise gives undefined for is left out. */
  add(node: NewNode | Promise<NewNode | undefined>): void {
    this.#backlog.add()
    if (!(node instanceof Promise)) {
      this.#slots.push({ node, ready: true })
      if (this.#slots.length - this.#first === 1) this.#drain()
      return
    }
    const slot: Slot = { node: undefined, ready: false }
    this.#slots.push(slot)
    node.then(
      (known) => this.#arrive(slot, known),
      (error) => this.#fail(error),
    )
  }

  #arrive(slot: Slot, node: NewNode | undefined): void {
    slot.node = node
    slot.ready = true
    try {
      this.#drain()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Something that the snapshot before has in this directory is not there any more. */
  differs(): void {
    this.#writeSame()
  }

  /** After the last node. */
  finish(): Promise<BuiltTree> {
    this.#ended = true
    this.#drain()
    return this.#done.promise
  }

  #drain(): void {
    for (
      let slot = this.#slots[this.#first];
      slot?.ready && this.#writing === 0;
      slot = this.#slots[this.#first]
    ) {
      this.#first++
      this.#backlog.remove()
      if (slot.node) this.#put(slot.node)
      else this.#writeSame()
    }
    if (this.#first < this.#slots.length) return
    this.#slots = []
    this.#first = 0
    if (this.#ended && this.#writing === 0) this.#end()
  }

  #put(node: NewNode): void {
    if (this.#same && node.same && this.#same.length < SAME_MOST) {
      this.#same.push(node)
      return
    }
    this.#writeSame()
    this.#encode(node)
  }

  #writeSame(): void {
    const same = this.#same
    this.#same = null
    for (const node of same ?? []) this.#encode(node)
  }

  #encode(node: NewNode): void {
    this.#encoder.add(node.entry, node)
    const piece = this.#encoder.take()
    if (piece) this.#waitFor(this.#blob.write(piece))
  }

  #waitFor(written: Promise<void> | undefined): void {
    if (!written) return
    this.#writing++
    written
      .then(() => {
        this.#writing--
        this.#drain()
      })
      .catch((error) => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#backlog.fail(error)
    this.#done.reject(error)
  }

  #end(): void {
    if (this.#stored) return
    this.#stored = true
    if (this.#same && this.#before) this.#done.resolve({ id: this.#before, same: true })
    else this.#store().then(this.#done.resolve, (error) => this.#fail(error))
  }

  async #store(): Promise<BuiltTree> {
    await this.#blob.write(this.#encoder.finish())
    const id = await this.#blob.finish()
    return { id, same: this.#before?.equals(id) ?? false }
  }
}
