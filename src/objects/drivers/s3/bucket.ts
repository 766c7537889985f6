import { createHash } from 'node:crypto'
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { BackupdError } from '../../../lib/errors.ts'
import type { S3Settings } from '../../../wire/store-settings.ts'
import { tooLargeToRead } from '../../small-objects.ts'
import { BucketProtection } from './bucket-protection.ts'
import { BucketRequests } from './bucket-requests.ts'
import { BucketUploads } from './bucket-uploads.ts'
import { collectBody, discardBody, streamBody } from './object-body.ts'
import { ignoreMissing, isMissing } from './s3-error.ts'
import { makeMetadata, readHead, type StoredObject, type WriterMark } from './stored-object.ts'
import { makeWriteOptions, type S3ContentKind } from './write-options.ts'

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

/** Of an object that had this ETag, if it is known. */
export interface ByteRange {
  from: number
  to: number
  etag: string | undefined
  signal: AbortSignal
}

/** What is done with the content of an object as it arrives. */
export interface ByteReceiver {
  /** Called first; the size is undefined if the store does not tell it. An error of it ends the read. */
  begin(found: { etag: string; size: number | undefined }): void
  take(chunk: Buffer): void
}

/**
 * The requests that the driver makes, on names relative to the store. Each method is one request, except where it says
 * more. Errors are those of the driver contract; nothing is tried again here.
 */
export class Bucket {
  readonly place: string
  readonly uploads: BucketUploads
  readonly protection: BucketProtection
  readonly #requests: BucketRequests

  constructor(settings: S3Settings) {
    this.#requests = new BucketRequests(settings)
    this.place = this.#requests.place
    this.uploads = new BucketUploads(this.#requests)
    this.protection = new BucketProtection(this.#requests)
  }

  /** Undefined if it does not exist. */
  head(name: string): Promise<StoredObject | undefined> {
    return this.#requests.ask('inspect', name, async (client) => {
      try {
        return readHead(await client.headObject(this.#requests.locate(name)))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw await this.#requests.explain(client, error)
      }
    })
  }

  /**
   * Reads the bytes from `from` up to and including `to`, fewer at the end of the object, and hands them over as they arrive.
   * Throws NOT_FOUND, or CONFLICT if the object ends before `from`, or was replaced after `etag` was read.
   */
  read(name: string, { from, to, etag, signal }: ByteRange, receiver: ByteReceiver): Promise<void> {
    return this.#requests.ask('read', name, async (client) => {
      const range = { ...this.#requests.locate(name), Range: `bytes=${from}-${to}`, IfMatch: etag }
      const answer = await client.getObject(range, { abortSignal: signal })
      const found = readFound(answer)
      receiver.begin(found)
      const expected = Math.min(to + 1, found.size ?? to + 1) - from
      let got = 0
      for await (const chunk of streamBody(answer.Body)) {
        got += chunk.length
        if (got > expected) break
        receiver.take(chunk)
      }
      if (got !== expected) throw cutShort(this.place, name, { got, expected })
    })
  }

  /** Reads a whole small object; undefined if it does not exist. Throws STORE_UNAVAILABLE if it is larger than `maxBytes`. */
  readWhole(
    name: string,
    maxBytes = MAX_WHOLE_BYTES,
  ): Promise<{ content: Buffer; stored: StoredObject } | undefined> {
    return this.#requests.ask('read', name, async (client) => {
      try {
        const answer = await client.getObject(this.#requests.locate(name))
        const stored = readHead(answer)
        if (stored.size > maxBytes) {
          discardBody(answer.Body)
          throw tooLargeToRead(name, stored.size)
        }
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
    await this.#requests.ask('create', name, (client) =>
      client.putObject({
        ...this.#requests.locate(name),
        Body: content,
        ContentMD5: md5,
        Metadata: makeMetadata(about),
        ...makeWriteOptions(this.#requests.settings, kind),
        ...(ifNew && { IfNoneMatch: '*' }),
        ...(ifMatch !== undefined && { IfMatch: ifMatch }),
      }),
    )
  }

  /** No error if it does not exist. */
  async remove(name: string): Promise<void> {
    await this.#requests.ask('remove', name, (client) =>
      client.deleteObject(this.#requests.locate(name)).catch(ignoreMissing),
    )
  }

  /** One page of the entries directly in a folder. Keys are encoded, because XML cannot have every character. */
  list(
    folder: string,
    options: { after?: string; limit?: number } = {},
  ): Promise<ListObjectsV2CommandOutput> {
    return this.#requests.ask('list', folder, (client) =>
      client.listObjectsV2({
        Bucket: this.#requests.settings.bucket,
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
    return this.#requests.ask('list', folder, (client) =>
      client.listObjectsV2({
        Bucket: this.#requests.settings.bucket,
        Prefix: this.folderKey(folder),
        EncodingType: 'url',
        ...(after !== undefined && { StartAfter: this.folderKey('') + after }),
      }),
    )
  }

  /** Throws the reason if the store cannot be used. */
  check(): Promise<void> {
    return this.#requests.check()
  }

  /** The start of the keys in a folder. */
  folderKey(folder: string): string {
    return this.#requests.folderKey(folder)
  }
}

/** The size of the whole object is in `Content-Range`, such as `bytes 0-99/1000`. */
function readFound({ ContentRange = '', ETag: etag = '' }: GetObjectCommandOutput) {
  const size = /\/(\d+)$/.exec(ContentRange)?.[1]
  return { etag, size: size === undefined ? undefined : Number(size) }
}

function md5Of(content: Buffer): string {
  return createHash('md5').update(content).digest('base64')
}

function cutShort(place: string, name: string, { got, expected }: { got: number; expected: number }): Error {
  const message = `Cannot read "${name}" in the store ${place}: the store sent ${got} bytes, expected ${expected}`
  return new BackupdError('STORE_UNAVAILABLE', message, { facts: { object: name, transient: true } })
}
