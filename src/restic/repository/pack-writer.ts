import type { BlobType } from './blob-place.ts'
import { indexJson, toIndexedBlob } from './index-file.ts'
import type { IndexKeeper } from './index-keeper.ts'
import { type FinishedPack, OpenPack } from './open-pack.ts'
import type { PackedBlob, PackOptions, PackWriter, Repository } from './repository.ts'
import { BLOBS_PER_INDEX } from './rewrite-index.ts'

const MAX_PUBLISHING = 2

/** Writes packs; each is on disk before an index file names it. */
export class RepositoryPackWriter implements PackWriter {
  readonly #repository: Repository
  readonly #keeper: IndexKeeper
  readonly #open: Record<BlobType, OpenPack | undefined> = { data: undefined, tree: undefined }
  /** The last call for each kind of pack; calls run one after the other. */
  readonly #last: Record<BlobType, Promise<void>> = { data: Promise.resolve(), tree: Promise.resolve() }
  readonly #storeAgain: boolean
  readonly #assertHeld: () => Promise<void>
  /** Ids (latin1 text) of blobs that are not indexed yet; with `storeAgain`, of all blobs that were added. */
  readonly #pending: Record<BlobType, Set<string>> = { data: new Set(), tree: new Set() }
  readonly #publishing = new Set<Promise<void>>()
  #unindexed: FinishedPack[] = []
  #unindexedBlobs = 0
  #failure: { error: unknown } | undefined
  #packs = 0
  #bytes = 0

  constructor(repository: Repository, keeper: IndexKeeper, options: PackOptions) {
    this.#repository = repository
    this.#keeper = keeper
    this.#storeAgain = options.storeAgain ?? false
    this.#assertHeld = options.assertHeld ?? (async () => {})
  }

  has(type: BlobType, id: Buffer): boolean {
    return this.#pending[type].has(makePackKey(id)) || this.#isIndexed(type, id)
  }

  claim(type: BlobType, id: Buffer): boolean {
    const pending = this.#pending[type]
    const key = makePackKey(id)
    if (pending.has(key) || this.#isIndexed(type, id)) return false
    pending.add(key)
    return true
  }

  add(blob: PackedBlob): Promise<void> {
    return this.claim(blob.type, blob.id) ? this.addClaimed(blob.type, [blob]) : Promise.resolve()
  }

  addClaimed(type: BlobType, blobs: readonly PackedBlob[]): Promise<void> {
    return this.#after(type, () => this.#put(type, blobs))
  }

  async finish(): Promise<{ packs: number; bytes: number }> {
    for (const type of ['data', 'tree'] as const) await this.#after(type, () => this.#close(type))
    await Promise.all(this.#publishing)
    await this.#after('data', () => this.#writeIndex())
    return { packs: this.#packs, bytes: this.#bytes }
  }

  async abandon(): Promise<void> {
    this.#failure ??= { error: new Error('the packs were abandoned') }
    await Promise.allSettled([this.#last.data, this.#last.tree])
    await Promise.allSettled(this.#publishing)
    for (const type of ['data', 'tree'] as const) {
      await this.#open[type]?.abandon()
      this.#open[type] = undefined
    }
    // No index file names these packs, so the next prune deletes them: their blobs must not count as stored.
    for (const pack of this.#unindexed) this.#forget(pack)
    this.#unindexed = []
  }

  #isIndexed(type: BlobType, id: Buffer): boolean {
    return !this.#storeAgain && this.#keeper.index.has(type, id)
  }

  #after(type: BlobType, act: () => Promise<void>): Promise<void> {
    const turn = this.#last[type].then(() => {
      this.#throwFailure()
      return act()
    })
    this.#last[type] = turn.catch((error) => {
      this.#failure ??= { error }
    })
    return turn
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }

  async #put(type: BlobType, blobs: readonly PackedBlob[]): Promise<void> {
    for (const blob of blobs) {
      const pack = this.#open[type] ?? (await OpenPack.begin(this.#repository.place))
      this.#open[type] = pack
      const written = pack.add(blob)
      if (written) await written
      if (pack.isFull) await this.#close(type)
    }
  }

  /** Publishes in the background, so that the next pack fills while this one is synced. */
  async #close(type: BlobType): Promise<void> {
    const pack = this.#open[type]
    if (!pack) return
    this.#open[type] = undefined
    while (this.#publishing.size >= MAX_PUBLISHING) await Promise.race(this.#publishing)
    const publishing = this.#publish(pack)
      .catch((error) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#publishing.delete(publishing))
    this.#publishing.add(publishing)
  }

  async #publish(pack: OpenPack): Promise<void> {
    let finished: FinishedPack
    try {
      finished = await pack.finish(this.#repository.key)
    } catch (error) {
      await pack.abandon()
      throw error
    }
    this.#packs += 1
    this.#bytes += finished.size
    this.#enter(finished)
    if (this.#unindexedBlobs >= BLOBS_PER_INDEX) await this.#writeIndex()
  }

  #enter(pack: FinishedPack): void {
    const number = this.#keeper.index.internPack(pack.id)
    for (const row of pack.rows) {
      this.#keeper.index.add(toIndexedBlob(number, row))
      if (!this.#storeAgain) this.#pending[row.type].delete(makePackKey(row.id))
    }
    this.#unindexed.push(pack)
    this.#unindexedBlobs += pack.rows.length
  }

  #forget({ id }: FinishedPack): void {
    const { index } = this.#keeper
    index.forgetPack(index.internPack(id))
  }

  async #writeIndex(): Promise<void> {
    const packs = this.#unindexed
    if (packs.length === 0) return
    this.#unindexed = []
    this.#unindexedBlobs = 0
    try {
      await this.#saveIndex(packs)
    } catch (error) {
      this.#unindexed.push(...packs)
      throw error
    }
  }

  /** Checks the lock first: without it, packs that the index names could be pruned. */
  async #saveIndex(packs: FinishedPack[]): Promise<void> {
    await this.#assertHeld()
    this.#throwFailure()
    const id = await this.#repository.saveUnpacked('index', indexJson(packs))
    const { index, files } = this.#keeper
    files.set(
      id,
      Uint32Array.from(packs, (pack) => index.internPack(pack.id)),
    )
  }
}

function makePackKey(id: Buffer): string {
  return id.toString('latin1')
}
