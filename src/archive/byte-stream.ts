import { corrupt } from './archive-fault.ts'

/**
 * Reads a stream of chunks of any size in the sizes that the tar format needs. A chunk is not used any more once the
 * next one is requested.
 */
export class ByteStream {
  /** Bytes read so far. */
  position = 0
  readonly #chunks: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  #used = 0

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Reads exactly `length` bytes into a new buffer; null if the stream has ended before the first of them. */
  async readOrEnd(length: number): Promise<Buffer | null> {
    const bytes = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      if (this.#used === this.#chunk.length && !(await this.#fill())) {
        if (filled === 0) return null
        throw corrupt('it ends too early')
      }
      filled += this.#cut(Math.min(length - filled, this.#chunk.length - this.#used)).copy(bytes, filled)
    }
    return bytes
  }

  async read(length: number): Promise<Buffer> {
    const bytes = await this.readOrEnd(length)
    if (bytes === null && length > 0) throw corrupt('it ends too early')
    return bytes ?? Buffer.alloc(0)
  }

  /** Reads between 1 and `maxLength` bytes without copying: they are valid until the next call. */
  async readSome(maxLength: number): Promise<Buffer> {
    if (!(await this.#fill())) throw corrupt('it ends too early')
    return this.#cut(Math.min(maxLength, this.#chunk.length - this.#used))
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.readSome(left)).length
  }

  /** Reads to the end. Returns whether all bytes were zeros. */
  async drain(): Promise<boolean> {
    let zeros = true
    while (await this.#fill()) {
      const rest = this.#cut(this.#chunk.length - this.#used)
      zeros = zeros && rest.every((byte) => byte === 0)
    }
    return zeros
  }

  /** Stops the source of the chunks. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  #cut(length: number): Buffer {
    const bytes = this.#chunk.subarray(this.#used, this.#used + length)
    this.#used += length
    this.position += length
    return bytes
  }

  async #fill(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const next = await this.#chunks.next()
      if (next.done) return false
      this.#chunk = next.value
      this.#used = 0
    }
    return true
  }
}
