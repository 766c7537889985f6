import { createHash, type Hash } from 'node:crypto'
import { release } from '../../../lib/release.ts'

/** Up to here, memory grows by copying. */
const MAX_COPIED_BYTES = 1024 * 1024
/**
 * The next step, which a pack fits in. malloc maps a block of this size on its own, so that it takes no more memory than
 * was written to, and returns it when it is freed.
 */
const MAPPED_BYTES = 32 * 1024 * 1024

/** Collects the bytes of one part, and their MD5 on the way. */
export class PartBuffer {
  readonly #limit: number
  readonly #hash: Hash = createHash('md5')
  #bytes: Buffer
  #filled = 0

  /** @param memory where it begins; it grows up to `limit` */
  constructor(limit: number, memory: Buffer) {
    this.#limit = limit
    this.#bytes = memory
  }

  get size(): number {
    return this.#filled
  }

  get isFull(): boolean {
    return this.#filled === this.#limit
  }

  /** Copies what fits of `chunk` from `at` on, and returns how many bytes that were. */
  append(chunk: Buffer, at: number): number {
    const length = Math.min(chunk.length - at, this.#limit - this.#filled)
    this.#grow(this.#filled + length)
    chunk.copy(this.#bytes, this.#filled, at, at + length)
    this.#hash.update(chunk.subarray(at, at + length))
    this.#filled += length
    return length
  }

  /** The content and its MD5. Nothing may be appended after this. */
  finish(): { bytes: Buffer; md5: string } {
    return { bytes: this.#bytes.subarray(0, this.#filled), md5: this.#hash.copy().digest('base64') }
  }

  /** Frees its memory, which no request may be sending any more. */
  free(): void {
    release(this.#bytes)
  }

  #grow(needed: number): void {
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#limit, roomFor(needed)))
    this.#bytes.copy(grown, 0, 0, this.#filled)
    release(this.#bytes)
    this.#bytes = grown
  }
}

function roomFor(needed: number): number {
  if (needed <= MAX_COPIED_BYTES) return Math.min(MAX_COPIED_BYTES, 2 * needed)
  return Math.max(MAPPED_BYTES, 2 ** Math.ceil(Math.log2(needed)))
}
