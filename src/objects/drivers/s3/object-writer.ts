import { BackupdError } from '../../../lib/errors.ts'
import type { ContentKind } from '../../driver.ts'
import { checkObjectName } from '../object-names.ts'
import type { Bucket } from './bucket.ts'
import type { UploadId } from './bucket-uploads.ts'
import type { ConditionalWrites } from './conditional-writes.ts'
import { inTurn } from './name-turns.ts'
import { PartBuffer } from './part-buffer.ts'
import { PartQueue } from './part-queue.ts'
import { checkPartNumber, type PartPlan } from './part-sizes.ts'
import type { StoredObject } from './stored-object.ts'
import { abortUploads, type UploadJournal } from './upload-journal.ts'

export interface NewObject {
  /** Undefined if it is known only at the end, or the object is small: then all of it stays in memory. */
  name?: string
  /** The id of this writer, by which it recognizes its own object. */
  writer: string
  plan: PartPlan
  kind?: ContentKind
  journal?: UploadJournal
  /** An object of its name has the same content. */
  isNamedByContent?: boolean
}

/** What is kept in memory of an object without a name: a pack has about 20 MiB. */
const MAX_UNNAMED_BYTES = 64 * 1024 * 1024

/**
 * Writes one object. Up to the size of one part it is stored with a single request, at the commit; from then on as an
 * upload in parts. Any call that failed with a transient error may be repeated: it has no effect unless it succeeds.
 */
export class S3ObjectWriter {
  readonly #bucket: Bucket
  readonly #conditional: ConditionalWrites
  readonly #object: NewObject
  #part: PartBuffer
  #number = 1
  #size = 0
  #upload: { id: UploadId; parts: PartQueue } | undefined
  /** An answer may have been lost. */
  #mayHaveBegun = false
  #isJournalled = false
  #isSealed = false
  #stored: number | undefined
  #committedAs: string | undefined

  constructor(bucket: Bucket, conditional: ConditionalWrites, object: NewObject) {
    this.#bucket = bucket
    this.#conditional = conditional
    this.#object = object
    this.#part = new PartBuffer(this.#limit, Buffer.alloc(0))
  }

  async write(chunk: Buffer): Promise<void> {
    const willSend = this.#part.size + chunk.length > this.#limit
    if (willSend) await this.#beginUpload()
    const { plan } = this.#object
    await this.#upload?.parts.drainTo(plan.waitingBeside(this.#number))
    for (let at = 0; at < chunk.length; ) {
      if (this.#part.isFull) this.#sendPart()
      at += this.#part.append(chunk, at)
    }
    this.#size += chunk.length
  }

  /** An object of one part stays in memory until its commit: it is stored as a whole then. */
  async sync(): Promise<number> {
    if (!this.#upload) return this.#size
    if (!this.#isSealed && this.#part.size > 0) this.#sendPart()
    this.#isSealed = true
    await this.#upload.parts.drainTo(0)
    // Once it is completed, nobody can measure it any more: the answer to a commit may be lost.
    this.#stored ??= await this.#bucket.uploads.measure(this.#upload.id)
    return this.#stored
  }

  async commit(name: string): Promise<void> {
    checkObjectName(name)
    if (this.#committedAs === name) return
    const stored = await this.sync()
    if (stored !== this.#size) throw this.#wrongSize(name, stored)
    await inTurn(`${this.#bucket.place}/${name}`, () => this.#publish(name))
    this.#committedAs = name
    this.#part.free()
    // A journal that stays is removed at the next start.
    await this.#object.journal?.end().catch(() => {})
  }

  async abort(): Promise<void> {
    if (this.#committedAs !== undefined) return
    try {
      await this.#upload?.parts.stop()
      if (this.#upload) await this.#bucket.uploads.abort(this.#upload.id)
      await this.#object.journal?.end()
    } catch {
      // The journal stays if the upload does: both are removed at the next start.
    }
  }

  get #limit(): number {
    return this.#object.name === undefined ? MAX_UNNAMED_BYTES : this.#object.plan.sizeOf(this.#number)
  }

  get #marks(): Pick<NewObject, 'writer' | 'kind'> {
    const { writer, kind } = this.#object
    return { writer, ...(kind !== undefined && { kind }) }
  }

  async #beginUpload(): Promise<void> {
    const { name, journal } = this.#object
    if (name === undefined) throw this.#tooLargeForMemory()
    if (!this.#upload) {
      if (this.#mayHaveBegun) await abortUploads(this.#bucket, name)
      this.#mayHaveBegun = true
      const id = { name, id: await this.#bucket.uploads.begin(name, this.#marks) }
      this.#upload = { id, parts: new PartQueue(this.#bucket.uploads, id) }
    }
    if (this.#isJournalled) return
    await journal?.noteUpload(this.#upload.id.id)
    this.#isJournalled = true
  }

  #sendPart(): void {
    checkPartNumber(this.#object.name ?? '', this.#number, this.#size)
    this.#upload?.parts.add({ number: this.#number, ...this.#part.finish() })
    this.#number += 1
    const limit = this.#limit
    this.#part = new PartBuffer(limit, this.#upload?.parts.takeFree(limit) ?? Buffer.allocUnsafeSlow(limit))
  }

  /** Without conditional writes, looks before and after: two that write at once are noticed then, not prevented. */
  async #publish(name: string): Promise<void> {
    const isConditional = await this.#conditional.areKept()
    // The store checks the MD5, and what it replaces is the same.
    if (!isConditional && this.#object.isNamedByContent) return await this.#store(name, false)
    const isThere = !isConditional && (await this.#lookAt(name))
    if (!isThere) await this.#storeOrFind(name, isConditional)
    // The store has checked the MD5 of a single request, and the condition.
    if (isConditional && !this.#upload) return
    const found = await this.#bucket.head(name)
    if (!found || !this.#isOwn(found)) throw this.#taken(name)
    if (found.size !== this.#size) throw this.#wrongSize(name, found.size)
  }

  /** The request, or an earlier one, may have taken effect although its answer was lost or is a refusal. */
  async #storeOrFind(name: string, ifNew: boolean): Promise<void> {
    try {
      await this.#store(name, ifNew)
    } catch (error) {
      if (!(await this.#lookAt(name))) throw error
    }
  }

  /** Returns whether the object at the name is this writer's. Throws CONFLICT if it is another's. */
  async #lookAt(name: string): Promise<boolean> {
    const found = await this.#bucket.head(name)
    if (found && !this.#isOwn(found)) throw this.#taken(name)
    return found !== undefined
  }

  async #store(name: string, ifNew: boolean): Promise<void> {
    if (this.#upload)
      return await this.#bucket.uploads.complete(this.#upload.id, this.#upload.parts.etags, ifNew)
    const { bytes, md5 } = this.#part.finish()
    await this.#bucket.put(name, bytes, { ...this.#marks, md5, ifNew })
  }

  #isOwn({ writer }: StoredObject): boolean {
    return writer === this.#object.writer
  }

  #taken(name: string): BackupdError {
    const message = `Cannot create "${name}" in the store ${this.#bucket.place}: it already exists`
    return new BackupdError('CONFLICT', message, { facts: { object: name } })
  }

  #wrongSize(name: string, stored: number): BackupdError {
    const what = `the store has ${stored} bytes of it, expected ${this.#size}`
    return new BackupdError(
      'STORE_UNAVAILABLE',
      `Cannot create "${name}" in the store ${this.#bucket.place}: ${what}`,
      {
        facts: { object: name, stored, expected: this.#size },
      },
    )
  }

  #tooLargeForMemory(): BackupdError {
    const what = `it has more than ${MAX_UNNAMED_BYTES} bytes before it has a name`
    return new BackupdError('INTERNAL', `Cannot create an object in the store ${this.#bucket.place}: ${what}`)
  }
}
