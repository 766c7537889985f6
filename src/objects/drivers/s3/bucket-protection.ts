import { BackupdError, hasCode } from '../../../lib/errors.ts'
import { isTransient } from '../../transient.ts'
import type { BucketRequests } from './bucket-requests.ts'

/** How the bucket itself protects its objects. */
export class BucketProtection {
  readonly #requests: BucketRequests
  #locks: Promise<boolean> | undefined

  constructor(requests: BucketRequests) {
    this.#requests = requests
  }

  /** Undefined if the store, or a missing right, does not tell. */
  async keepsVersions(): Promise<boolean | undefined> {
    try {
      const { Bucket } = this.#requests.locate('')
      const ask = this.#requests.ask('read the versioning of', '', (client) =>
        client.getBucketVersioning({ Bucket }),
      )
      return (await ask).Status === 'Enabled'
    } catch (error) {
      if (isTransient(error)) throw error
      return undefined
    }
  }

  /** Whether objects may be locked: asked once, unless the settings say so. A missing right counts as no. */
  async mayLock(): Promise<boolean> {
    if (this.#requests.settings.objectLockDays !== undefined) return true
    this.#locks ??= this.#hasObjectLock().catch((error: unknown) => {
      this.#locks = undefined
      if (isTransient(error)) throw error
      return false
    })
    return await this.#locks
  }

  /** Throws STORE_UNAVAILABLE if the settings ask for locks that the bucket does not have. */
  async check(): Promise<void> {
    const { settings, place } = this.#requests
    if (settings.objectLockDays === undefined || (await this.#hasObjectLock())) return
    const what = `Cannot use the store ${place}: its bucket has no object lock, which --s3-object-lock-days needs`
    throw new BackupdError('STORE_UNAVAILABLE', `${what}. Create a bucket that has it, or leave the flag out`)
  }

  async #hasObjectLock(): Promise<boolean> {
    try {
      const { Bucket } = this.#requests.locate('')
      const { ObjectLockConfiguration } = await this.#requests.ask('read the object lock of', '', (client) =>
        client.getObjectLockConfiguration({ Bucket }),
      )
      return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled'
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    }
  }
}

/** A bucket without object lock, and a server that does not know it. */
function isAbsent(error: unknown): boolean {
  return hasCode(error, 'NOT_FOUND') || (error instanceof BackupdError && error.facts.s3 === 'NotImplemented')
}
