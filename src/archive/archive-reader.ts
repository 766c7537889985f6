import { createHash, type Hash } from 'node:crypto'
import type { ObjectReader } from '../objects/driver.ts'
import { corrupt } from './archive-fault.ts'

const CHUNK = 256 << 10

/** Reads an object from front to end, once, hashing the very bytes that it gives. */
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

  /** Exactly `length` bytes. Throws a corrupt ArchiveFault at the end, the signal's reason once it is aborted. */
  async next(length: number): Promise<Buffer> {
    this.#signal.throwIfAborted()
    const bytes = await this.#object.read(this.position, length)
    this.#signal.throwIfAborted()
    if (bytes.length !== length) throw corrupt('it is cut off')
    this.position += length
    this.#hash.update(bytes)
    return bytes
  }

  /** What is left, in chunks. */
  async *rest(): AsyncGenerator<Buffer> {
    while (this.position < this.size) yield await this.next(Math.min(CHUNK, this.size - this.position))
  }

  /** Hex sha256 of the whole object: reads what is left. */
  async digest(): Promise<string> {
    for await (const _ of this.rest());
    return this.#hash.digest('hex')
  }
}
