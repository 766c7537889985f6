import { BackupdError } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import type { Node } from '../nodes/node.ts'
import { nodeBatches } from '../nodes/read-nodes.ts'
import { parseSnapshot } from '../nodes/snapshot-file.ts'
import { LARGE_TREE_BYTES, treeBatches } from '../read/tree-source.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { BlobType } from '../repository/blob-place.ts'
import type { Repository } from '../repository/repository.ts'
import { Bitmap } from './bitmap.ts'

/** The number of trees that are read together. */
const TREES_PER_READ = 64
const NO_FOLDER = Buffer.alloc(0)

/**
 * Records which copies of blobs the snapshots need, with one bit for each copy in the index. A pack that was removed is
 * `dead`: its copies stay in the index in memory, but do not count any more.
 */
export class UsedBlobs {
  readonly index: BlobIndex
  readonly #repository: Repository
  readonly #used = new Bitmap()
  readonly #deadPacks = new Bitmap()
  readonly #snapshots = new Set<string>()

  constructor(repository: Repository, index: BlobIndex) {
    this.#repository = repository
    this.index = index
  }

  isUsed(entry: number): boolean {
    return this.#used.has(entry)
  }

  isDead(pack: number): boolean {
    return this.#deadPacks.has(pack) || this.index.isGone(pack)
  }

  /** Marks a pack as dead. Throws REPOSITORY_DAMAGED if one of its used blobs has no other copy. */
  markDead(pack: number, used: readonly number[]): void {
    this.#deadPacks.add(pack)
    for (const entry of used) {
      const type = this.index.entryAt(entry).isTree ? 'tree' : 'data'
      this.#used.add(this.#liveCopy(type, this.index.idAt(entry), 'a blob that was moved'))
    }
  }

  /** Marks the blobs of new snapshots. Throws REPOSITORY_DAMAGED, SNAPSHOT_CORRUPT, the signal's reason. */
  async markSnapshots(signal: AbortSignal): Promise<void> {
    for await (const id of this.#repository.listUnpacked('snapshots')) {
      if (this.#snapshots.has(id)) continue
      const snapshot = parseSnapshot(id, await this.#repository.loadUnpacked('snapshots', id))
      await this.#markTree(snapshot.tree, `the snapshot ${id}`, signal)
      this.#snapshots.add(id)
    }
  }

  async #markTree(root: Buffer, owner: string, signal: AbortSignal): Promise<void> {
    const waiting: number[] = []
    const visit = (id: Buffer) => {
      const entry = this.#liveCopy('tree', id, owner)
      if (this.#used.add(entry)) waiting.push(entry)
    }
    visit(root)
    while (waiting.length > 0) {
      signal.throwIfAborted()
      const ids = waiting.splice(-TREES_PER_READ).map((entry) => this.index.idAt(entry))
      for await (const nodes of this.#nodesOf(ids)) {
        countStep()
        for (const { content, subtree } of nodes) {
          for (const id of content) this.#used.add(this.#liveCopy('data', id, owner))
          if (subtree) visit(subtree)
        }
      }
    }
  }

  /** Reads small trees together, and large ones in pieces. */
  async *#nodesOf(ids: Buffer[]): AsyncGenerator<Node[]> {
    const isLarge = (id: Buffer) => (this.#repository.blobSize('tree', id) ?? 0) > LARGE_TREE_BYTES
    for (const id of ids.filter(isLarge)) yield* treeBatches(this.#repository, id)
    const small = ids.filter((id) => !isLarge(id))
    for await (const { plain } of this.#repository.readBlobs('tree', small))
      yield* nodeBatches(plain, NO_FOLDER)
  }

  #liveCopy(type: BlobType, id: Buffer, owner: string): number {
    const first = this.index.find(type, id)
    if (first >= 0 && !this.isDead(this.index.packOf(first))) return first
    const entry = this.index.copies(type, id).find((copy) => !this.isDead(this.index.packOf(copy)))
    if (entry !== undefined) return entry
    const blob = id.toString('hex')
    const what = `Cannot prune: the ${type} blob ${blob}, which ${owner} needs, is not in the repository`
    throw new BackupdError(
      'REPOSITORY_DAMAGED',
      `${what}. Nothing was pruned; see restic check, and restore the missing pack from a copy of the store`,
      { facts: { blob, type } },
    )
  }
}
