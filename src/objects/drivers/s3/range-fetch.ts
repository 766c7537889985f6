import type { Bucket } from './bucket.ts'

/** An object as it was when it was opened. */
export interface OpenedObject {
  bucket: Bucket
  name: string
  etag: string
  /** Aborts its requests. */
  signal: AbortSignal
}

/** Fetches the bytes from `from` up to `end` of an object. If it fails, the next try begins at the byte reached. */
export class RangeFetch {
  readonly from: number
  readonly end: number
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
      return this.#content
    } catch (error) {
      this.#running = undefined
      throw error
    }
  }

  async #fetch(): Promise<void> {
    // The connection may break after the last byte.
    if (this.from + this.#filled === this.end) return
    const { bucket, name, etag, signal } = this.#object
    const range = { from: this.from + this.#filled, to: this.end - 1, etag, signal }
    await bucket.read(name, range, (chunk) => {
      this.#filled += chunk.copy(this.#content, this.#filled)
    })
  }
}
