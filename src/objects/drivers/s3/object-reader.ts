import type { ObjectReader } from '../../driver.ts'
import type { Bucket } from './bucket.ts'
import type { StoredObject } from './stored-object.ts'

const MAX_AHEAD_BYTES = 8 * 1024 * 1024
/** The limit of one request, so that little is lost with a connection. */
const MAX_READ_BYTES = 32 * 1024 * 1024

/**
 * Reads ranges of an object. Reads that continue the last one fetch more and more ahead, so that a long object needs few
 * requests. One stretch of it is in memory.
 */
export class S3ObjectReader implements ObjectReader {
  readonly size: number
  readonly #bucket: Bucket
  readonly #name: string
  readonly #etag: string
  #ahead: { from: number; bytes: Buffer } = { from: 0, bytes: Buffer.alloc(0) }
  #end = 0
  #aheadBytes = 0

  constructor(bucket: Bucket, name: string, { size, etag }: StoredObject) {
    this.#bucket = bucket
    this.#name = name
    this.size = size
    this.#etag = etag
  }

  async read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(this.size, position + length)
    if (end <= position) return Buffer.alloc(0)
    this.#noteOrder(position, end)
    const known = this.#findAhead(position, end)
    if (known) return ownCopy(known)
    const from = position
    const bytes = await this.#fetch(from, Math.min(this.size, end + this.#aheadBytes))
    const isMore = bytes.length > end - from
    if (isMore) this.#ahead = { from, bytes }
    return isMore || bytes.buffer.byteLength > bytes.length ? ownCopy(bytes.subarray(0, end - from)) : bytes
  }

  async close(): Promise<void> {
    this.#ahead = { from: 0, bytes: Buffer.alloc(0) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Each read that continues the last one doubles what is read ahead; any other read stops it. */
  #noteOrder(position: number, end: number): void {
    const continues = position === this.#end && position > 0
    const more = Math.min(MAX_AHEAD_BYTES, Math.max(2 * this.#aheadBytes, end - position))
    this.#aheadBytes = continues ? more : 0
    this.#end = end
  }

  #findAhead(position: number, end: number): Buffer | undefined {
    const { from, bytes } = this.#ahead
    const isThere = position >= from && end <= from + bytes.length
    return isThere ? bytes.subarray(position - from, end - from) : undefined
  }

  async #fetch(from: number, end: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let at = from; at < end; at += MAX_READ_BYTES) {
      const to = Math.min(end, at + MAX_READ_BYTES) - 1
      pieces.push(await this.#bucket.read(this.#name, { from: at, to, etag: this.#etag }))
    }
    const [first] = pieces
    return pieces.length === 1 && first ? first : Buffer.concat(pieces)
  }
}

/** Readers may free what they get. */
function ownCopy(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(own)
  return own
}
