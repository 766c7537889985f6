import type { TreeEntry } from '../../volume/tree/entry.ts'
import type { NodeFacts } from '../nodes/node.ts'
import { TreeEncoder } from '../nodes/tree-encoder.ts'
import type { Backlog } from './backlog.ts'
import { TreeBlob, type TreeStore } from './tree-blob.ts'

/** A node of a directory in the new snapshot. */
export interface NewNode extends NodeFacts {
  entry: TreeEntry
  /** The parent snapshot has exactly the same node. */
  same: boolean
}

export interface BuiltTree {
  id: Buffer
  /** It equals the tree in the parent snapshot. */
  same: boolean
}

/** Limit of unchanged nodes that are held back: if the whole directory is unchanged, it need not be written. */
const MAX_SAME = 4096

interface Slot {
  node: NewNode | undefined
  ready: boolean
}

/** Builds the tree of one directory. Nodes are added in order, but may be promises. */
export class TreeBuilder {
  readonly #blob: TreeBlob
  readonly #encoder = new TreeEncoder()
  readonly #backlog: Backlog
  readonly #before: Buffer | null
  readonly #done = Promise.withResolvers<BuiltTree>()
  #slots: Slot[] = []
  #first = 0
  /** The nodes so far, while all are unchanged; null once one differs. */
  #same: NewNode[] | null
  #ended = false
  #stored = false
  /** The number of pieces that are still being written. */
  #writing = 0

  /** `before`: its tree in the parent snapshot. */
  constructor(store: TreeStore, backlog: Backlog, before: Buffer | null) {
    this.#blob = new TreeBlob(store)
    this.#backlog = backlog
    this.#before = before
    this.#same = before ? [] : null
    this.#done.promise.catch(() => {})
  }

  /** A promise that resolves with undefined leaves the node out. */
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

  /** Call it if a node of the parent snapshot does not exist any more. */
  differs(): void {
    this.#writeSame()
  }

  /** Call it after the last node. */
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
    if (this.#same && node.same && this.#same.length < MAX_SAME) {
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
    const piece = this.#encoder.takePiece()
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
