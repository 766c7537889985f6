import { BackupdError } from '../../../lib/errors.ts'
import type { BucketRequests } from './bucket-requests.ts'
import { ignoreMissing } from './s3-error.ts'
import { makeMetadata } from './stored-object.ts'
import { makeWriteOptions, type S3ContentKind } from './write-options.ts'

/** One part of an upload: `md5` in base64. */
export interface UploadPart {
  number: number
  bytes: Buffer
  md5: string
}

/** An upload that has begun. */
export interface UploadId {
  name: string
  id: string
}

/** The requests of uploads in parts. Each method is one request, except where it says more. */
export class BucketUploads {
  readonly #requests: BucketRequests

  constructor(requests: BucketRequests) {
    this.#requests = requests
  }

  begin(name: string, { writer, kind }: { writer: string; kind?: S3ContentKind }): Promise<string> {
    const { settings, place } = this.#requests
    return this.#requests.ask('create', name, async (client) => {
      const { UploadId: id } = await client.createMultipartUpload({
        ...this.#requests.locate(name),
        Metadata: makeMetadata({ writer }),
        ...makeWriteOptions(settings, kind),
      })
      if (id !== undefined) return id
      throw new BackupdError('STORE_UNAVAILABLE', `Cannot create "${name}" in ${place}: no upload began`)
    })
  }

  /** Returns the ETag of the part. */
  sendPart({ name, id }: UploadId, { number, bytes, md5 }: UploadPart): Promise<string> {
    return this.#requests.ask('create', name, async (client) => {
      const part = { UploadId: id, PartNumber: number, Body: bytes, ContentMD5: md5 }
      return (await client.uploadPart({ ...this.#requests.locate(name), ...part })).ETag ?? ''
    })
  }

  /** How many bytes the store has of the upload. One request for each thousand parts. */
  async measure({ name, id }: UploadId): Promise<number> {
    let [bytes, after] = [0, undefined as string | undefined]
    do {
      const marker = after === undefined ? {} : { PartNumberMarker: after }
      const page = await this.#requests.ask('create', name, (client) =>
        client.listParts({ ...this.#requests.locate(name), UploadId: id, ...marker }),
      )
      for (const { Size } of page.Parts ?? []) bytes += Size ?? 0
      after = page.IsTruncated ? page.NextPartNumberMarker : undefined
    } while (after !== undefined)
    return bytes
  }

  async complete({ name, id }: UploadId, etags: readonly string[], ifNew: boolean): Promise<void> {
    const Parts = etags.map((ETag, at) => ({ PartNumber: at + 1, ETag }))
    await this.#requests.ask('create', name, (client) =>
      client.completeMultipartUpload({
        ...this.#requests.locate(name),
        UploadId: id,
        MultipartUpload: { Parts },
        ...(ifNew && { IfNoneMatch: '*' }),
      }),
    )
  }

  /** No error if it was completed or aborted before. */
  async abort({ name, id }: UploadId): Promise<void> {
    await this.#requests.ask('remove', name, (client) =>
      client.abortMultipartUpload({ ...this.#requests.locate(name), UploadId: id }).catch(ignoreMissing),
    )
  }

  /** The ids of all uploads under way to exactly this name, whoever began them. */
  list(name: string): Promise<string[]> {
    return this.#requests.ask('list', name, async (client) => {
      const { Bucket, Key } = this.#requests.locate(name)
      const { Uploads = [] } = await client.listMultipartUploads({ Bucket, Prefix: Key })
      return Uploads.flatMap((each) => (each.Key === Key && each.UploadId ? [each.UploadId] : []))
    })
  }
}
