import { readTree } from '../read/tree-source.ts'
import type { BlobIndex } from '../repository/blob-index.ts'
import type { Repository } from '../repository/repository.ts'
import { isUnreadable, type LostBlob } from './check-packs.ts'

/** A file that a snapshot cannot restore completely, or a directory whose list of names is lost. */
export interface TouchedFile {
  snapshot: string
  /** Absolute. */
  path: Buffer
  isDirectory: boolean
}

/** A snapshot, with the id of its tree. */
export interface CheckedSnapshot {
  id: string
  tree: Buffer
}

/**
 * Finds the files of these snapshots that lost blobs belong to. Directories that are intact are only read once; those
 * that cannot be read are left out, because nothing is known of them.
 */
export async function* findTouchedFiles(
  repository: Repository,
  {
    snapshots,
    lost,
    signal,
  }: { snapshots: Iterable<CheckedSnapshot>; lost: readonly LostBlob[]; signal: AbortSignal },
): AsyncGenerator<TouchedFile> {
  const search = new Search(repository, await repository.loadIndex(), lost)
  for (const { id: snapshot, tree } of snapshots) {
    for await (const found of search.inTree(tree, Buffer.alloc(0))) {
      signal.throwIfAborted()
      yield { snapshot, ...found }
    }
  }
}

type TouchedPath = Omit<TouchedFile, 'snapshot'>

class Search {
  readonly #repository: Repository
  readonly #index: BlobIndex
  readonly #lost: Set<number>
  /** One bit for each blob; set for trees below which everything is intact. */
  readonly #whole: Uint8Array

  constructor(repository: Repository, index: BlobIndex, lost: readonly LostBlob[]) {
    this.#repository = repository
    this.#index = index
    this.#lost = new Set(lost.map(({ type, id }) => index.find(type, id)))
    this.#whole = new Uint8Array(Math.ceil(index.size / 8))
  }

  async *inTree(tree: Buffer, path: Buffer): AsyncGenerator<TouchedPath> {
    const entry = this.#index.find('tree', tree)
    if (this.#isWhole(entry)) return
    if (entry < 0 || this.#lost.has(entry)) {
      yield { path: path.length > 0 ? path : Buffer.from('/'), isDirectory: true }
      return
    }
    let isWhole = true
    try {
      for await (const found of this.#inNodes(tree, path)) {
        isWhole = false
        yield found
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      return
    }
    if (isWhole) this.#whole[entry >>> 3] = (this.#whole[entry >>> 3] ?? 0) | (1 << (entry & 7))
  }

  async *#inNodes(tree: Buffer, path: Buffer): AsyncGenerator<TouchedPath> {
    for await (const { name, content, subtree } of readTree(this.#repository, tree)) {
      const at = Buffer.concat([path, Buffer.from('/'), name])
      if (subtree) yield* this.inTree(subtree, at)
      if (content.some((id) => this.#isLost(id))) yield { path: at, isDirectory: false }
    }
  }

  #isLost(id: Buffer): boolean {
    const entry = this.#index.find('data', id)
    return entry < 0 || this.#lost.has(entry)
  }

  #isWhole(entry: number): boolean {
    return entry >= 0 && (((this.#whole[entry >>> 3] ?? 0) >>> (entry & 7)) & 1) === 1
  }
}
