import type { ByteSpan, KnownObject, ObjectReader } from '../../driver.ts'
import type { Bucket } from './bucket.ts'
import { copyOut } from './object-reader.ts'
import { type OpenedObject, RangeFetch } from './range-fetch.ts'

/** So many requests are under way or in memory at once, each of up to this size. */
const MAX_FETCHES = 3
const MAX_FETCH_BYTES = 8 * 1024 * 1024

/**
 * Reads an object of which it is known what will be read: exactly that is fetched, ahead and in parallel, and nothing is asked
 * before. Any other read is one request. A read that failed and is repeated goes on where it was.
 */
export class PlannedReader implements ObjectReader {
  readonly size: number
  readonly #object: OpenedObject
  readonly #closing = new AbortController()
  /** What is still to be fetched, in order. */
  readonly #pieces: Generator<ByteSpan, undefined>
  /** In order. */
  #fetches: RangeFetch[] = []
  /** Unplanned reads that failed, by their span. */
  readonly #failed = new Map<string, RangeFetch>()

  constructor(bucket: Bucket, name: string, { size, spans }: KnownObject) {
    this.#object = { bucket, name, size, etag: undefined, signal: this.#closing.signal }
    this.size = size ?? Number.POSITIVE_INFINITY
    this.#pieces = splitSpans(spans)
  }

  async read(position: number, length: number): Promise<Buffer> {
    const end = Math.min(this.size, position + length)
    if (end <= position) return Buffer.alloc(0)
    this.#fetchAhead(position, end)
    const fetches = this.#fetches.filter((each) => each.from < end && each.end > position)
    if (!isCovered(fetches, { from: position, end })) return await this.#readUnplanned(position, end)
    const contents = await Promise.all(fetches.map((each) => each.bytes()))
    return copyOut(fetches, contents, { position, end })
  }

  async close(): Promise<void> {
    this.#fetches = []
    this.#closing.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Reads are ascending: what lies before `position` is not needed any more. */
  #fetchAhead(position: number, end: number): void {
    this.#fetches = this.#fetches.filter((each) => each.end > position)
    while (this.#fetches.length < MAX_FETCHES || (this.#fetches.at(-1)?.end ?? 0) < end) {
      const piece = this.#pieces.next().value
      if (!piece) return
      if (piece.end > position) this.#begin(piece)
    }
  }

  #begin(span: ByteSpan): void {
    const fetch = new RangeFetch(this.#object, span)
    fetch.start()
    this.#fetches.push(fetch)
  }

  /** The memory belongs to the caller: two reads share no fetch. */
  async #readUnplanned(position: number, end: number): Promise<Buffer> {
    const span = `${position}-${end}`
    const fetch = this.#failed.get(span) ?? new RangeFetch(this.#object, { from: position, end })
    this.#failed.delete(span)
    try {
      return await fetch.bytes()
    } catch (error) {
      this.#failed.set(span, fetch)
      throw error
    }
  }
}

/** Joins spans that touch, and splits them into requests. */
function* splitSpans(spans: readonly ByteSpan[]): Generator<ByteSpan, undefined> {
  for (const { from, end } of joinSpans(spans))
    for (let at = from; at < end; at += MAX_FETCH_BYTES)
      yield { from: at, end: Math.min(end, at + MAX_FETCH_BYTES) }
}

function* joinSpans(spans: readonly ByteSpan[]): Generator<ByteSpan> {
  let last: ByteSpan | undefined
  for (const span of spans) {
    const touches = last?.end === span.from
    if (last && !touches) yield last
    last = last && touches ? { from: last.from, end: span.end } : span
  }
  if (last) yield last
}

function isCovered(fetches: readonly ByteSpan[], { from, end }: ByteSpan): boolean {
  let at = from
  for (const fetch of fetches) if (fetch.from <= at) at = Math.max(at, fetch.end)
  return at >= end
}
