import { createHash } from 'node:crypto'
import type { UnnamedWriter } from '../../objects/driver.ts'
import { type RepositoryKey, seal } from '../codec/crypt.ts'
import type { IndexRow } from './index-row.ts'
import { packName, temporaryFolder } from './layout.ts'
import { encodeHeader, LENGTH_FIELD_BYTES } from './pack-header.ts'
import type { PackedBlob, RepositoryPlace } from './repository.ts'

const BUFFER_BYTES = 1024 * 1024
/** A pack is closed when it has this size. */
const FULL_BYTES = 16 * 1024 * 1024
const MAX_BLOBS = 50_000

export interface FinishedPack {
  id: string
  rows: IndexRow[]
  size: number
}

/** A pack that is being written. Calls must not overlap. */
export class OpenPack {
  readonly #writer: UnnamedWriter
  readonly #place: RepositoryPlace
  readonly #hash = createHash('sha256')
  readonly #rows: IndexRow[] = []
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #filled = 0
  #size = 0

  private constructor(place: RepositoryPlace, writer: UnnamedWriter) {
    this.#place = place
    this.#writer = writer
  }

  static async begin(place: RepositoryPlace): Promise<OpenPack> {
    const options = { kind: 'data', isNamedByContent: true } as const
    return new OpenPack(place, await place.driver.createIn(temporaryFolder(place), options))
  }

  get isFull(): boolean {
    return this.#size >= FULL_BYTES || this.#rows.length >= MAX_BLOBS
  }

  /** `sealed` must not change until the promise resolves; undefined means that it is already copied. */
  add({ type, id, sealed, plainLength, compressed }: PackedBlob): Promise<void> | undefined {
    this.#rows.push({ type, id, offset: this.#size, length: sealed.length, plainLength, compressed })
    return this.#write(sealed)
  }

  async finish(key: RepositoryKey): Promise<FinishedPack> {
    const header = seal(key, encodeHeader(this.#rows))
    const length = Buffer.alloc(LENGTH_FIELD_BYTES)
    length.writeUInt32LE(header.length)
    await this.#write(Buffer.concat([header, length]))
    await this.#flush()
    const id = this.#hash.digest('hex')
    await this.#writer.commit(packName(this.#place, id))
    return { id, rows: this.#rows, size: this.#size }
  }

  abandon(): Promise<void> {
    return this.#writer.abort()
  }

  #write(bytes: Buffer): Promise<void> | undefined {
    this.#size += bytes.length
    if (this.#filled + bytes.length >= this.#buffer.length) return this.#writeThrough(bytes)
    this.#filled += bytes.copy(this.#buffer, this.#filled)
    return undefined
  }

  async #writeThrough(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#buffer, this.#filled, at)
      this.#filled += copied
      at += copied
      if (this.#filled === this.#buffer.length) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    this.#hash.update(bytes)
    await this.#writer.write(bytes)
  }
}
