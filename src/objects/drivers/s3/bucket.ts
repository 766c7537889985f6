import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ListObjectsV2CommandOutput, S3 } from '@aws-sdk/client-s3'
import { BackupdError } from '../../../lib/errors.ts'
import { describePlace, type S3Settings } from '../../../wire/store-settings.ts'
import { tooLargeToRead } from '../../small-objects.ts'
import { openClient } from './open-client.ts'
import { RequestLimit } from './request-limit.ts'
import { readS3Status, type S3Question, s3Error } from './s3-error.ts'
import { makeMetadata, readHead, type StoredObject, type WriterMark } from './stored-object.ts'
import { makeWriteOptions, type S3ContentKind } from './write-options.ts'

const MAX_KEY_BYTES = 1024
const MAX_WHOLE_BYTES = 64 * 1024 * 1024

export interface PutOptions extends WriterMark {
  /** The MD5 of the content in base64; calculated if it is missing. */
  md5?: string
  /** Only if the object does not exist. */
  ifNew?: boolean
  /** Only if it still has this ETag. */
  ifMatch?: string
  kind?: S3ContentKind
}

/** A part of an upload: `md5` in base64. */
export interface UploadPart {
  number: number
  bytes: Buffer
  md5: string
}

/** Of an object that had this ETag. */
export interface ByteRange {
  from: number
  to: number
  etag: string
  signal: AbortSignal
}

/** One request to an upload that has begun. */
export interface UploadId {
  name: string
  id: string
}

/**
 * The requests that the driver makes, on names relative to the store. Each method is one request, except where it says
 * more. Errors are those of the driver contract; nothing is tried again here.
 */
export class Bucket {
  readonly place: string
  readonly #settings: S3Settings
  readonly #limit = new RequestLimit()
  #client: Promise<S3> | undefined

  constructor(settings: S3Settings) {
    this.#settings = settings
    this.place = describePlace(settings)
  }

  /** Undefined if it does not exist. */
  head(name: string): Promise<StoredObject | undefined> {
    return this.#ask('inspect', name, async (client) => {
      try {
        return readHead(await client.headObject(this.#at(name)))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw await this.#explain(client, error)
      }
    })
  }

  /**
   * Reads the bytes from `from` up to and including `to`, and hands them over as they arrive. Throws NOT_FOUND, or CONFLICT
   * if the object was replaced after `etag` was read.
   */
  read(name: string, { from, to, etag, signal }: ByteRange, take: (chunk: Buffer) => void): Promise<void> {
    return this.#ask('read', name, async (client) => {
      const range = { ...this.#at(name), Range: `bytes=${from}-${to}`, IfMatch: etag }
      const { Body } = await client.getObject(range, { abortSignal: signal })
      const expected = to - from + 1
      let got = 0
      for await (const chunk of asStream(Body)) {
        got += chunk.length
        if (got > expected) break
        take(chunk)
      }
      if (got !== expected) throw cutShort(this.place, name, { got, expected })
    })
  }

  /** Reads a whole small object; undefined if it does not exist. Throws STORE_UNAVAILABLE if it is larger than `maxBytes`. */
  readWhole(
    name: string,
    maxBytes = MAX_WHOLE_BYTES,
  ): Promise<{ content: Buffer; stored: StoredObject } | undefined> {
    return this.#ask('read', name, async (client) => {
      try {
        const answer = await client.getObject(this.#at(name))
        const stored = readHead(answer)
        if (stored.size > maxBytes) throw refuseLarge(answer.Body, name, stored.size)
        const content = await collectBody(answer.Body)
        if (content.length === stored.size) return { content, stored }
        throw cutShort(this.place, name, { got: content.length, expected: stored.size })
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    })
  }

  async put(name: string, content: Buffer, options: PutOptions): Promise<void> {
    const { ifNew, ifMatch, md5 = md5Of(content), kind, ...about } = options
    await this.#ask('create', name, (client) =>
      client.putObject({
        ...this.#at(name),
        Body: content,
        ContentMD5: md5,
        Metadata: makeMetadata(about),
        ...makeWriteOptions(this.#settings, kind),
        ...(ifNew && { IfNoneMatch: '*' }),
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
      }),
    )
  }

  /** No error if it does not exist. */
  async remove(name: string): Promise<void> {
    await this.#ask('remove', name, (client) => client.deleteObject(this.#at(name)).catch(missingIsFine))
  }

  /** One page of the entries directly in a folder. Keys are encoded, because XML cannot have every character. */
  list(
    folder: string,
    options: { after?: string; limit?: number } = {},
  ): Promise<ListObjectsV2CommandOutput> {
    return this.#ask('list', folder, (client) =>
      client.listObjectsV2({
        Bucket: this.#settings.bucket,
        Prefix: this.folderKey(folder),
        Delimiter: '/',
        EncodingType: 'url',
        ...(options.after !== undefined && { ContinuationToken: options.after }),
        ...(options.limit !== undefined && { MaxKeys: options.limit }),
      }),
    )
  }

  /** One page of everything in a folder and its folders, in the order of names. */
  listTree(folder: string, after?: string): Promise<ListObjectsV2CommandOutput> {
    return this.#ask('list', folder, (client) =>
      client.listObjectsV2({
        Bucket: this.#settings.bucket,
        Prefix: this.folderKey(folder),
        EncodingType: 'url',
        ...(after !== undefined && { StartAfter: this.folderKey('') + after }),
      }),
    )
  }

  /** Throws the reason, with which the store answers a list more exactly than any other request. */
  async check(): Promise<void> {
    await this.#ask('use', '', (client) => this.#listOne(client))
  }

  beginUpload(name: string, { writer, kind }: Pick<PutOptions, 'writer' | 'kind'>): Promise<string> {
    return this.#ask('create', name, async (client) => {
      const { UploadId: id } = await client.createMultipartUpload({
        ...this.#at(name),
        Metadata: makeMetadata({ writer }),
        ...makeWriteOptions(this.#settings, kind),
      })
      if (id !== undefined) return id
      throw new BackupdError('STORE_UNAVAILABLE', `Cannot create "${name}" in ${this.place}: no upload began`)
    })
  }

  /** Returns the ETag of the part. */
  uploadPart({ name, id }: UploadId, { number, bytes, md5 }: UploadPart): Promise<string> {
    return this.#ask('create', name, async (client) => {
      const part = { UploadId: id, PartNumber: number, Body: bytes, ContentMD5: md5 }
      return (await client.uploadPart({ ...this.#at(name), ...part })).ETag ?? ''
    })
  }

  /** How many bytes the store has of the upload. One request for each thousand parts. */
  async measureUpload({ name, id }: UploadId): Promise<number> {
    let [bytes, after] = [0, undefined as string | undefined]
    do {
      const marker = after === undefined ? {} : { PartNumberMarker: after }
      const page = await this.#ask('create', name, (client) =>
        client.listParts({ ...this.#at(name), UploadId: id, ...marker }),
      )
      for (const { Size } of page.Parts ?? []) bytes += Size ?? 0
      after = page.IsTruncated ? page.NextPartNumberMarker : undefined
    } while (after !== undefined)
    return bytes
  }

  async completeUpload({ name, id }: UploadId, etags: readonly string[], ifNew: boolean): Promise<void> {
    const Parts = etags.map((ETag, at) => ({ PartNumber: at + 1, ETag }))
    await this.#ask('create', name, (client) =>
      client.completeMultipartUpload({
        ...this.#at(name),
        UploadId: id,
        MultipartUpload: { Parts },
        ...(ifNew && { IfNoneMatch: '*' }),
      }),
    )
  }

  /** No error if it was completed or aborted before. */
  async abortUpload({ name, id }: UploadId): Promise<void> {
    await this.#ask('remove', name, (client) =>
      client.abortMultipartUpload({ ...this.#at(name), UploadId: id }).catch(missingIsFine),
    )
  }

  /** The ids of all uploads under way to exactly this name, whoever began them. */
  listUploads(name: string): Promise<string[]> {
    return this.#ask('list', name, async (client) => {
      const { Bucket: bucket, Key } = this.#at(name)
      const { Uploads = [] } = await client.listMultipartUploads({ Bucket: bucket, Prefix: Key })
      return Uploads.flatMap((each) => (each.Key === Key && each.UploadId ? [each.UploadId] : []))
    })
  }

  /** The start of the keys in a folder. */
  folderKey(folder: string): string {
    const { prefix } = this.#settings
    return [prefix, folder].map((part) => (part === '' ? '' : `${part}/`)).join('')
  }

  #at(name: string): { Bucket: string; Key: string } {
    const Key = this.folderKey('') + name
    if (Buffer.byteLength(Key) > MAX_KEY_BYTES) {
      const message = `Cannot use ${JSON.stringify(name)} in the store ${this.place}: the name is too long`
      throw new BackupdError('BAD_INPUT', message)
    }
    return { Bucket: this.#settings.bucket, Key }
  }

  /** An answer to HEAD has no text: a list of the same store says what is wrong. */
  async #explain(client: S3, error: unknown): Promise<unknown> {
    if (![301, 307, 400, 401, 403].includes(readS3Status(error) ?? 0)) return error
    return this.#listOne(client).then(
      () => error,
      (reason: unknown) => s3Error(this.place, { doing: 'use', name: '' }, reason),
    )
  }

  #listOne(client: S3): Promise<unknown> {
    return client.listObjectsV2({
      Bucket: this.#settings.bucket,
      Prefix: this.folderKey(''),
      MaxKeys: 1,
    })
  }

  async #ask<T>(doing: S3Question['doing'], name: string, request: (client: S3) => Promise<T>): Promise<T> {
    return await this.#limit.during(async () => {
      try {
        return await request(await this.#open())
      } catch (cause) {
        throw s3Error(this.place, { doing, name }, cause)
      }
    })
  }

  /** A failure is not remembered: a missing file of credentials may appear. */
  #open(): Promise<S3> {
    this.#client ??= openClient(this.#settings).catch((error: unknown) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }
}

function md5Of(content: Buffer): string {
  return createHash('md5').update(content).digest('base64')
}

interface Body {
  transformToByteArray(): Promise<Uint8Array>
}

async function collectBody(body: Body | undefined): Promise<Buffer> {
  const { buffer, byteOffset, byteLength } = (await body?.transformToByteArray()) ?? new Uint8Array()
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The SDK gives a stream of Node on Node. */
function asStream(body: unknown): AsyncIterable<Buffer> {
  if (body instanceof Readable) return body
  throw new TypeError('the SDK gave the content of an object in an unknown form')
}

/** Ends the request before the body arrives. */
function refuseLarge(body: unknown, name: string, bytes: number): Error {
  if (body instanceof Readable) body.destroy()
  return tooLargeToRead(name, bytes)
}

function cutShort(place: string, name: string, { got, expected }: { got: number; expected: number }): Error {
  const message = `Cannot read "${name}" in the store ${place}: the store sent ${got} bytes, expected ${expected}`
  return new BackupdError('STORE_UNAVAILABLE', message, { facts: { object: name, transient: true } })
}

/** Whether the object does not exist, in a bucket that does. */
function isMissing(error: unknown): boolean {
  return readS3Status(error) === 404 && (error as Error).name !== 'NoSuchBucket'
}

function missingIsFine(error: unknown): void {
  if (!isMissing(error)) throw error
}
