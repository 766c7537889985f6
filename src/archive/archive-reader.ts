import { createHash, type Hash } from 'node:crypto'
import type { ObjectReader } from '../objects/driver.ts'
import { corrupt } from './archive-fault.ts'

const CHUNK_BYTES = 256 << 10

/** Reads an object once from start to end, and hashes exactly the bytes that it returns. */
export class ArchiveReader {
  readonly size: number
  position = 0
  readonly #object: ObjectReader
  readonly #hash: Hash = createHash('sha256')
  readonly #signal: AbortSignal

  constructor(object: ObjectReader, signal: AbortSignal) {
    this.#object = object
    this.size = object.size
    this.#signal = signal
  }

  /** Reads exactly `length` bytes. Throws a corrupt ArchiveFault at the end, or the signal's reason once aborted. */
  async next(length: number): Promise<Buffer> {
    this.#signal.throwIfAborted()
    const bytes = await this.#object.read(this.position, length)
    this.#signal.throwIfAborted()
    if (bytes.length !== length) throw corrupt('it ends too early')
    this.position += length
    this.#hash.update(bytes)
    return bytes
  }

  /** Reads the rest in chunks. */
  async *rest(): AsyncGenerator<Buffer> {
    while (this.position < this.size) yield await this.next(Math.min(CHUNK_BYTES, this.size - this.position))
  }

  /** Reads the rest, and returns the hex sha256 of the whole object. */
  async digest(): Promise<string> {
    for await (const _ of this.rest());
    return this.#hash.digest('hex')
  }
}
