import { type BackupdError, hasCode } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import { Bitmap } from '../prune/bitmap.ts'
import { treeBatches } from '../read/tree-source.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { BlobType } from '../repository/blob-place.ts'
import type { Repository } from '../repository/repository.ts'
import { isUnreadable, type LostBlob } from './check-packs.ts'
import type { CheckedSnapshot } from './touched-files.ts'

/** What the trees of snapshots need. */
export interface NeededPacks {
  /** Numbers in the index → the bytes of all blobs in the pack. */
  packs: ReadonlyMap<number, number>
  /** Trees without an intact copy, and blobs that are in no index file. */
  lost: LostBlob[]
  /** One error for each tree that could not be read: what is below it is not known. */
  unreadable: BackupdError[]
}

/** Reads all trees of these snapshots, each once. Uses one bit of memory for each blob in the index. */
export async function collectPacks(
  repository: Repository,
  snapshots: Iterable<CheckedSnapshot>,
  signal: AbortSignal,
): Promise<NeededPacks> {
  const walk = new Walk(repository, await repository.loadIndex())
  for (const { tree } of snapshots) await walk.walk(tree, signal)
  return walk.finish()
}

class Walk {
  readonly #repository: Repository
  readonly #index: BlobIndex
  readonly #seen = new Bitmap()
  readonly #packs = new Map<number, number>()
  readonly #lost = new Map<string, LostBlob>()
  readonly #unreadable: BackupdError[] = []
  readonly #waiting: Buffer[] = []

  constructor(repository: Repository, index: BlobIndex) {
    this.#repository = repository
    this.#index = index
  }

  async walk(root: Buffer, signal: AbortSignal): Promise<void> {
    this.#need('tree', root)
    for (let tree = this.#waiting.pop(); tree; tree = this.#waiting.pop()) {
      signal.throwIfAborted()
      countStep()
      await this.#readTree(tree)
    }
  }

  finish(): NeededPacks {
    for (let entry = 0; entry < this.#index.size; entry++) {
      const pack = this.#index.packOf(entry)
      const bytes = this.#packs.get(pack)
      if (bytes !== undefined) this.#packs.set(pack, bytes + this.#index.lengthOf(entry))
    }
    return { packs: this.#packs, lost: [...this.#lost.values()], unreadable: this.#unreadable }
  }

  async #readTree(id: Buffer, isAgain = false): Promise<void> {
    try {
      for await (const nodes of treeBatches(this.#repository, id)) {
        for (const { content, subtree } of nodes) {
          for (const blob of content) this.#need('data', blob)
          if (subtree) this.#need('tree', subtree)
        }
      }
    } catch (error) {
      if (isUnreadable(error)) {
        await this.#repository.place.driver.check()
        this.#unreadable.push(error)
        return
      }
      if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
      if (isAgain) this.#lose('tree', id)
      else await this.#readTree(id, true)
    }
  }

  #need(type: BlobType, id: Buffer): void {
    const entry = this.#index.find(type, id)
    if (entry < 0) this.#lose(type, id)
    else if (type === 'data') this.#packs.set(this.#index.packOf(entry), 0)
    else if (this.#seen.add(entry)) {
      this.#packs.set(this.#index.packOf(entry), 0)
      this.#waiting.push(id)
    }
  }

  #lose(type: BlobType, id: Buffer): void {
    this.#lost.set(`${type} ${id.toString('latin1')}`, { type, id })
  }
}
