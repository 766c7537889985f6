import { BackupdError } from '../../../lib/errors.ts'
import type { Bucket, ByteReceiver } from './bucket.ts'
import { isBeyondEnd } from './s3-error.ts'

/** An object as it was when it was opened. */
export interface OpenedObject {
  bucket: Bucket
  name: string
  /** Undefined until the first answer, if the caller did not know it. */
  size: number | undefined
  /** Undefined until the first answer. */
  etag: string | undefined
  /** Aborts its requests. */
  signal: AbortSignal
}

/**
 * Fetches the bytes from `from` up to `end` of an object, fewer if it ends before. If it fails, the next try begins at the
 * byte reached.
 */
export class RangeFetch {
  readonly from: number
  readonly end: number
  /** How many reads wait for it. */
  readers = 0
  readonly #object: OpenedObject
  readonly #content: Buffer
  #filled = 0
  #running: Promise<void> | undefined

  constructor(object: OpenedObject, { from, end }: { from: number; end: number }) {
    this.#object = object
    this.from = from
    this.end = end
    this.#content = Buffer.allocUnsafeSlow(end - from)
  }

  /** Begins, unless it has begun. A failure is thrown by the next bytes(). */
  start(): void {
    if (this.#running) return
    this.#running = this.#fetch()
    this.#running.catch(() => {})
  }

  /** Resolves when all of it is there. Throws once for each failed try; the next call tries again. */
  async bytes(): Promise<Buffer> {
    this.start()
    try {
      await this.#running
      return this.#filled < this.#content.length
        ? Buffer.from(this.#content.subarray(0, this.#filled))
        : this.#content
    } catch (error) {
      this.#running = undefined
      throw error
    }
  }

  async #fetch(): Promise<void> {
    const { bucket, name, etag, signal, size = this.end } = this.#object
    const from = this.from + this.#filled
    // The connection may break after the last byte.
    if (from >= Math.min(this.end, size)) return
    try {
      await bucket.read(name, { from, to: this.end - 1, etag, signal }, this.#receiver())
    } catch (error) {
      if (this.#object.size !== undefined || !isBeyondEnd(error)) throw error
    }
  }

  #receiver(): ByteReceiver {
    return {
      begin: (found) => checkSame(this.#object, found),
      take: (chunk) => {
        this.#filled += chunk.copy(this.#content, this.#filled)
      },
    }
  }
}

/** Without an ETag from before, nothing else shows that the object is another one. */
function checkSame(
  object: OpenedObject,
  { etag, size = object.size }: { etag: string; size: number | undefined },
) {
  const { bucket, name } = object
  const what = `Cannot read "${name}" in the store ${bucket.place}`
  const facts = { object: name }
  object.size ??= size
  if (size !== object.size)
    throw new BackupdError('CONFLICT', `${what}: it has ${size} bytes, expected ${object.size}`, { facts })
  object.etag ??= etag
  if (object.etag !== etag)
    throw new BackupdError('CONFLICT', `${what}: somebody else replaced it meanwhile`, { facts })
}
