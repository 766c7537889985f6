import { corrupt } from './archive-fault.ts'

/** A stream of chunks of any size, taken in the sizes the tar format asks for. A chunk is not used once the next is asked for. */
export class ByteStream {
  /** Bytes taken so far. */
  position = 0
  readonly #chunks: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  #used = 0

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Exactly `length` bytes of their own, or null where the stream has ended before the first. */
  async takeOrEnd(length: number): Promise<Buffer | null> {
    const bytes = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      if (this.#used === this.#chunk.length && !(await this.#fill())) {
        if (filled === 0) return null
        throw corrupt('it is cut off')
      }
      filled += this.#cut(Math.min(length - filled, this.#chunk.length - this.#used)).copy(bytes, filled)
    }
    return bytes
  }

  async take(length: number): Promise<Buffer> {
    const bytes = await this.takeOrEnd(length)
    if (bytes === null && length > 0) throw corrupt('it is cut off')
    return bytes ?? Buffer.alloc(0)
  }

  /** Between 1 and `most` bytes, without copying: they are good until the next call. */
  async some(most: number): Promise<Buffer> {
    if (!(await this.#fill())) throw corrupt('it is cut off')
    return this.#cut(Math.min(most, this.#chunk.length - this.#used))
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.some(left)).length
  }

  /** Reads to the end; true where all of it was zeros. */
  async drain(): Promise<boolean> {
    let zeros = true
    while (await this.#fill()) {
      const rest = this.#cut(this.#chunk.length - this.#used)
      zeros = zeros && rest.every((byte) => byte === 0)
    }
    return zeros
  }

  /** Stops whatever makes the chunks. */
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
