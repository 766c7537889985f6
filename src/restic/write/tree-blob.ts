import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import { constants, createZstdCompress } from 'node:zlib'
import { compressShared } from '../codec/compressor.ts'
import { createSealer, seal } from '../codec/crypt.ts'
import type { PackWriter, Repository } from '../repository/repository.ts'

/** Larger trees are compressed and sealed piece by piece. */
const MAX_WHOLE_BYTES = 1 << 20

export interface TreeStore {
  repository: Repository
  packs: PackWriter
}

/** A tree blob that is written in pieces. */
export class TreeBlob {
  readonly #store: TreeStore
  #pieces: Buffer[] = []
  #length = 0
  #large: LargeBlob | undefined

  constructor(store: TreeStore) {
    this.#store = store
  }

  /** Adds a piece; the order is kept even without awaiting. Await the result to limit the memory. */
  write(piece: Buffer): Promise<void> | undefined {
    this.#length += piece.length
    if (this.#large) return this.#large.write(piece)
    this.#pieces.push(piece)
    return this.#length > MAX_WHOLE_BYTES ? this.#becomeLarge() : undefined
  }

  /** Stores the blob unless the repository has it. Resolves with its id. */
  async finish(): Promise<Buffer> {
    const { repository, packs } = this.#store
    if (this.#large) return await this.#putLarge(this.#large)
    const plain = this.#pieces.length === 1 && this.#pieces[0] ? this.#pieces[0] : Buffer.concat(this.#pieces)
    const id = hash('sha256', plain, 'buffer')
    if (packs.has('tree', id)) return id
    const sealed = seal(repository.key, compressShared(plain))
    await packs.add({ type: 'tree', id, sealed, plainLength: plain.length, compressed: true })
    return id
  }

  async #becomeLarge(): Promise<void> {
    const large = new LargeBlob(this.#store.repository)
    this.#large = large
    let last: Promise<void> | undefined
    for (const piece of this.#pieces.splice(0)) last = large.write(piece)
    await last
  }

  async #putLarge(large: LargeBlob): Promise<Buffer> {
    const { id, sealed } = await large.finish()
    const { packs } = this.#store
    if (packs.has('tree', id)) return id
    await packs.add({ type: 'tree', id, sealed, plainLength: this.#length, compressed: true })
    return id
  }
}

/** For a large blob, only the compressed and sealed form is in memory. */
class LargeBlob {
  readonly #hash = createHash('sha256')
  readonly #zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  readonly #sealed: Buffer[] = []
  readonly #final: () => Buffer
  #drained: Promise<void> | undefined

  constructor({ key }: Repository) {
    const { update, final } = createSealer(key)
    this.#final = final
    this.#zstd.on('data', (packed: Buffer) => this.#sealed.push(update(packed)))
  }

  async write(piece: Buffer): Promise<void> {
    this.#hash.update(piece)
    if (this.#zstd.write(piece)) return
    this.#drained ??= once(this.#zstd, 'drain').then(() => {
      this.#drained = undefined
    })
    await this.#drained
  }

  async finish(): Promise<{ id: Buffer; sealed: Buffer }> {
    this.#zstd.end()
    await once(this.#zstd, 'end')
    return { id: this.#hash.digest(), sealed: Buffer.concat([...this.#sealed.splice(0), this.#final()]) }
  }
}
