import { type RepositoryKey, SEAL_OVERHEAD, sealInto } from '../codec/crypt.ts'
import type { BlobsMessage, SealedBlob } from './content-messages.ts'
import type { MessageMemory } from './message-memory.ts'

/** Bytes of blobs that are handed over together. */
const BATCH_BYTES = 1 << 20

/** What is sealed; `bytes` may be compressed. */
export interface NewBlob {
  id: Buffer
  bytes: Buffer
  plainLength: number
  compressed: boolean
}

export interface OutgoingOptions {
  key: RepositoryKey
  memory: MessageMemory
  send(message: BlobsMessage): void
}

/** Runs in a thread: seals blobs right into the memory of a message, and sends it when it is long enough. */
export class OutgoingBlobs {
  readonly #options: OutgoingOptions
  #memory: Buffer<ArrayBuffer> | undefined
  #used = 0
  #blobs: SealedBlob[] = []
  #ids: Buffer[] = []

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  add({ id, bytes, plainLength, compressed }: NewBlob): void {
    const length = bytes.length + SEAL_OVERHEAD
    sealInto(this.#options.key, bytes, this.#takeRoom(length))
    this.#blobs.push({ length, plainLength, compressed })
    this.#ids.push(id)
    if (this.#used >= BATCH_BYTES) this.send()
  }

  /** Sends what was added since the last message, if anything. */
  send(): void {
    const memory = this.#memory
    if (!memory) return
    const bytes = memory.subarray(0, this.#used)
    this.#options.send({ kind: 'blobs', blobs: this.#blobs, ids: Buffer.concat(this.#ids), bytes })
    this.#memory = undefined
    this.#used = 0
    this.#blobs = []
    this.#ids = []
  }

  #takeRoom(length: number): Buffer {
    if (this.#memory && this.#used + length > this.#memory.length) this.send()
    this.#memory ??= this.#options.memory.take(length)
    this.#used += length
    return this.#memory.subarray(this.#used - length, this.#used)
  }
}
