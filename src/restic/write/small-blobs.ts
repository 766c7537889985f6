import { Compressor, compressBound } from '../codec/compressor.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { SEAL_OVERHEAD } from '../codec/crypt.ts'
import { nextInBatch, sealBatch } from '../codec/seal-batch.ts'
import type { BlobsMessage, SealedBlob } from './content-messages.ts'
import type { MessageMemory } from './message-memory.ts'

/** Compression does not make shorter pieces any smaller. */
export const MIN_COMPRESSED_BYTES = 64

/**
 * Runs in a thread: makes blobs of many short pieces with one call, because a call per piece would dominate the
 * time.
 */
export class SmallBlobs {
  readonly #key: RepositoryKey
  readonly #memory: MessageMemory
  readonly #compressor = new Compressor()
  /** The texts to seal, each starting at a block boundary. */
  #texts = Buffer.alloc(0)

  constructor(key: RepositoryKey, memory: MessageMemory) {
    this.#key = key
    this.#memory = memory
  }

  /** `ids` are those of the pieces, in order. */
  make(pieces: readonly Buffer[], ids: readonly Buffer[]): BlobsMessage {
    this.#makeRoom(pieces)
    const lengths: number[] = []
    let end = 0
    const blobs = pieces.map((plain): SealedBlob => {
      const packed =
        plain.length < MIN_COMPRESSED_BYTES
          ? plain.length
          : this.#compressor.compressInto(this.#texts, end, plain)
      const compressed = packed < plain.length
      const length = compressed ? packed : plain.copy(this.#texts, end)
      lengths.push(length)
      end = nextInBatch(end, length)
      return { length: length + SEAL_OVERHEAD, plainLength: plain.length, compressed }
    })
    return { kind: 'blobs', blobs, ids: Buffer.concat(ids), bytes: this.#seal(lengths, end) }
  }

  #seal(lengths: readonly number[], end: number): Uint8Array<ArrayBuffer> {
    const length = lengths.reduce((sum, one) => sum + one + SEAL_OVERHEAD, 0)
    const sealed = this.#memory.take(length).subarray(0, length)
    sealBatch(this.#key, { texts: this.#texts.subarray(0, end), lengths }, { sealed, at: 0 })
    return sealed
  }

  #makeRoom(pieces: readonly Buffer[]): void {
    const needed = pieces.reduce((sum, { length }) => nextInBatch(sum, compressBound(length)), 0)
    if (needed > this.#texts.length) this.#texts = Buffer.allocUnsafeSlow(needed)
  }
}
