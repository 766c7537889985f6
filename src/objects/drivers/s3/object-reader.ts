import type { ObjectReader } from '../../driver.ts'
import type { Bucket } from './bucket.ts'
import { type OpenedObject, RangeFetch } from './range-fetch.ts'
import type { StoredObject } from './stored-object.ts'

/** So many stretches of up to this size are fetched at once, beyond the one that is being read. */
const STRETCHES_AHEAD = 2
const MAX_AHEAD_BYTES = 8 * 1024 * 1024
/** The limit of one request. */
const MAX_READ_BYTES = 32 * 1024 * 1024

/**
 * Reads ranges of an object. Reads that continue the last one fetch more and more ahead, in parallel, so that a long object
 * needs few requests and no pauses between them. At most three stretches of it are in memory. A read that failed and is
 * repeated goes on where it was.
 */
export class S3ObjectReader implements ObjectReader {
  readonly size: number
  readonly #object: OpenedObject
  readonly #closing = new AbortController()
  /** Without gaps, in order. */
  #stretches: RangeFetch[] = []
  /** Where the last read ended. */
  #end = 0
  #aheadBytes = 0

  constructor(bucket: Bucket, name: string, { size, etag }: StoredObject) {
    this.#object = { bucket, name, size, etag, signal: this.#closing.signal }
    this.size = size
  }

  async read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(this.size, position + length)
    if (end <= position) return Buffer.alloc(0)
    const aheadBytes = this.#chooseAhead(position, end)
    const stretches = this.#cover(position, end)
    this.#fetchAhead(aheadBytes)
    for (const stretch of stretches) stretch.readers++
    try {
      const contents = await Promise.all(stretches.map((each) => each.bytes()))
      this.#end = end
      this.#aheadBytes = aheadBytes
      return this.#takeOver(stretches, position, end) ?? copyOut(stretches, contents, { position, end })
    } finally {
      for (const stretch of stretches) stretch.readers--
    }
  }

  async close(): Promise<void> {
    this.#stretches = []
    this.#closing.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Each read that continues the last one doubles what is fetched ahead; any other read stops it. */
  #chooseAhead(position: number, end: number): number {
    if (position !== this.#end || position === 0) return 0
    return Math.min(MAX_AHEAD_BYTES, Math.max(2 * this.#aheadBytes, end - position))
  }

  /** The stretches that have these bytes; begins those that are missing. */
  #cover(position: number, end: number): RangeFetch[] {
    const left = this.#stretches.filter((each) => each.end > position)
    this.#stretches = (left[0]?.from ?? Number.POSITIVE_INFINITY) <= position ? left : []
    while (this.#fetchedTo(position) < end) this.#begin(this.#fetchedTo(position), end, MAX_READ_BYTES)
    return this.#stretches.filter(({ from }) => from < end)
  }

  #fetchAhead(bytes: number): void {
    while (bytes > 0 && this.#stretches.length <= STRETCHES_AHEAD && this.#fetchedTo(0) < this.size)
      this.#begin(this.#fetchedTo(0), this.size, bytes)
  }

  #fetchedTo(position: number): number {
    return this.#stretches.at(-1)?.end ?? position
  }

  #begin(from: number, end: number, maxBytes: number): void {
    const stretch = new RangeFetch(this.#object, { from, end: Math.min(end, from + maxBytes) })
    stretch.start()
    this.#stretches.push(stretch)
  }

  /**
   * Hands over a stretch that is exactly what was asked for, and that no other read waits for: it is forgotten, because readers
   * may free what they get.
   */
  #takeOver(stretches: RangeFetch[], position: number, end: number): Promise<Buffer> | undefined {
    const [only] = stretches
    if (stretches.length > 1 || only?.from !== position || only.end !== end || only.readers > 1)
      return undefined
    this.#stretches = this.#stretches.filter((each) => each !== only)
    return only.bytes()
  }
}

export function copyOut(
  stretches: readonly RangeFetch[],
  contents: readonly Buffer[],
  { position, end }: { position: number; end: number },
): Buffer {
  const own = Buffer.allocUnsafeSlow(end - position)
  for (const [at, { from }] of stretches.entries())
    contents[at]?.copy(own, Math.max(0, from - position), Math.max(0, position - from), end - from)
  return own
}
