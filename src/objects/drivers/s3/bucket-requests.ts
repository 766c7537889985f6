import type { S3 } from '@aws-sdk/client-s3'
import { BackupdError } from '../../../lib/errors.ts'
import { describePlace, type S3Settings } from '../../../wire/store-settings.ts'
import { openClient } from './open-client.ts'
import { RequestLimit } from './request-limit.ts'
import { readS3Status, type S3Question, s3Error } from './s3-error.ts'

const MAX_KEY_BYTES = 1024

/** Makes requests to one bucket, a limited number at once. Their errors are those of the driver contract. */
export class BucketRequests {
  readonly settings: S3Settings
  readonly place: string
  readonly #limit = new RequestLimit()
  #client: Promise<S3> | undefined
  #hasAnswered = false

  constructor(settings: S3Settings) {
    this.settings = settings
    this.place = describePlace(settings)
  }

  async ask<T>(doing: S3Question['doing'], name: string, request: (client: S3) => Promise<T>): Promise<T> {
    return await this.#limit.during(async () => {
      try {
        const answer = await request(await this.#open())
        this.#hasAnswered = true
        return answer
      } catch (cause) {
        throw s3Error(this.place, { doing, name, hasAnswered: this.#hasAnswered }, cause)
      }
    })
  }

  /** Where an object is. Throws BAD_INPUT if its name is too long. */
  locate(name: string): { Bucket: string; Key: string } {
    const Key = this.folderKey('') + name
    if (Buffer.byteLength(Key) > MAX_KEY_BYTES) {
      const message = `Cannot use ${JSON.stringify(name)} in the store ${this.place}: the name is too long`
      throw new BackupdError('BAD_INPUT', message)
    }
    return { Bucket: this.settings.bucket, Key }
  }

  /** The start of the keys in a folder. */
  folderKey(folder: string): string {
    const { prefix } = this.settings
    return [prefix, folder].map((part) => (part === '' ? '' : `${part}/`)).join('')
  }

  /** Throws the reason, with which the store answers a list more exactly than any other request. */
  async check(): Promise<void> {
    await this.ask('use', '', (client) => this.#listOne(client))
  }

  /** An answer to HEAD has no text: a list of the same store says what is wrong. */
  async explain(client: S3, error: unknown): Promise<unknown> {
    if (![301, 307, 400, 401, 403].includes(readS3Status(error) ?? 0)) return error
    return this.#listOne(client).then(
      () => error,
      (reason: unknown) => s3Error(this.place, { doing: 'use', name: '' }, reason),
    )
  }

  #listOne(client: S3): Promise<unknown> {
    return client.listObjectsV2({ Bucket: this.settings.bucket, Prefix: this.folderKey(''), MaxKeys: 1 })
  }

  /** A failure is not remembered: a missing file of credentials may appear. */
  #open(): Promise<S3> {
    this.#client ??= openClient(this.settings).catch((error: unknown) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }
}
