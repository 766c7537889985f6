import { randomUUID } from 'node:crypto'
import { hasCode } from '../../../lib/errors.ts'
import { isTransient } from '../../transient.ts'
import type { Bucket } from './bucket.ts'

/** In the root of the store. Its content does not matter. */
const PROBE = '.conditional-writes'

/**
 * Whether the store keeps the condition "only if the object does not exist" (If-None-Match). Some refuse it, some
 * ignore it: so an object that exists is created again, once in each process.
 */
export class ConditionalWrites {
  readonly #bucket: Bucket
  #known: Promise<boolean> | undefined

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** A failed probe is not remembered. */
  areKept(): Promise<boolean> {
    this.#known ??= this.#probe().catch((error: unknown) => {
      this.#known = undefined
      throw error
    })
    return this.#known
  }

  /** Throws if the store takes no objects, or not with these settings. */
  async checkWriting(): Promise<void> {
    await this.#bucket.put(PROBE, Buffer.from('\n'), { writer: randomUUID(), kind: 'probe' })
  }

  /** The first time in a store, the first request creates the object and the second one is the probe. */
  async #probe(): Promise<boolean> {
    return (await this.#isRefused()) || (await this.#isRefused())
  }

  /** Whether the store refuses to create the object because it exists. */
  async #isRefused(): Promise<boolean> {
    try {
      await this.#bucket.put(PROBE, Buffer.from('\n'), { writer: randomUUID(), ifNew: true })
      return false
    } catch (error) {
      if (isTransient(error)) throw error
      return hasCode(error, 'CONFLICT')
    }
  }
}
