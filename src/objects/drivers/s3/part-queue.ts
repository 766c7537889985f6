import type { BucketUploads, UploadId, UploadPart } from './bucket-uploads.ts'

/**
 * Sends the parts of one upload, a few at a time. A part that could not be sent stays, and is sent again with the next
 * call: a failed call may be repeated.
 */
export class PartQueue {
  readonly #uploads: BucketUploads
  readonly #upload: UploadId
  readonly #etags: string[] = []
  readonly #sending = new Map<UploadPart, Promise<void>>()
  readonly #free: Buffer[] = []
  #waiting: UploadPart[] = []
  #failure: unknown

  constructor(uploads: BucketUploads, upload: UploadId) {
    this.#uploads = uploads
    this.#upload = upload
  }

  /** By the number of their parts; complete after `drainTo(0)`. */
  get etags(): readonly string[] {
    return this.#etags
  }

  /** Does not wait: call drainTo() before the next one is filled. */
  add(part: UploadPart): void {
    this.#waiting.push(part)
  }

  /** The memory of a part that was sent, so that a long upload needs no more and more of it. */
  takeFree(length: number): Buffer | undefined {
    const at = this.#free.findIndex((each) => each.length === length)
    return at < 0 ? undefined : this.#free.splice(at, 1)[0]
  }

  /** Resolves when at most `count` parts are not in the store yet. */
  async drainTo(count: number): Promise<void> {
    for (;;) {
      this.#throwFailure()
      for (const part of this.#waiting.splice(0)) this.#sending.set(part, this.#send(part))
      if (this.#sending.size <= count) return
      await Promise.race(this.#sending.values())
    }
  }

  /** Resolves when no request is under way, whatever became of them. */
  async stop(): Promise<void> {
    await Promise.all(this.#sending.values())
    this.#waiting = []
  }

  async #send(part: UploadPart): Promise<void> {
    try {
      this.#etags[part.number - 1] = await this.#uploads.sendPart(this.#upload, part)
      this.#free.push(part.bytes)
    } catch (error) {
      this.#failure ??= error
      this.#waiting.push(part)
    } finally {
      this.#sending.delete(part)
    }
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }
}
