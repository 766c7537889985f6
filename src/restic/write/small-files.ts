import { SMALL_FILE } from '../../volume/tree/read-cached.ts'
import { ASKED_AT_ONCE } from './content-messages.ts'
import type { Content, ContentPool } from './content-pool.ts'

/** Small files go to a thread when they are so many bytes. */
const TOGETHER = 1 << 20

interface Batch {
  data: Uint8Array<ArrayBuffer>
  used: number
  lengths: number[]
  /** For each file, told what becomes of it. */
  waiting: PromiseWithResolvers<Content>[]
}

/** Collects files that are in memory, so that a thread gets many at once. */
export class SmallFiles {
  readonly #pool: ContentPool
  #batch: Batch | undefined

  constructor(pool: ContentPool) {
    this.#pool = pool
  }

  /** At most SMALL_FILE bytes, which are copied. */
  add(data: Buffer): Promise<Content> {
    this.#batch ??= newBatch()
    const { lengths, waiting } = this.#batch
    const content = Promise.withResolvers<Content>()
    waiting.push(content)
    lengths.push(data.length)
    this.#batch.data.set(data, this.#batch.used)
    this.#batch.used += data.length
    if (this.#batch.used >= TOGETHER || lengths.length === ASKED_AT_ONCE) this.flush()
    return content.promise
  }

  /** Lets those that were added wait for no others. */
  flush(): void {
    const batch = this.#batch
    if (!batch) return
    this.#batch = undefined
    const { data, lengths, waiting } = batch
    this.#pool.run({ kind: 'small', data, lengths }).then(
      ({ ids, fault }) => {
        for (const [at, { resolve }] of waiting.entries())
          resolve({ ids: ids?.slice(at, at + 1) ?? null, fault })
      },
      (error) => {
        for (const { promise, reject } of waiting) {
          promise.catch(() => {})
          reject(error)
        }
      },
    )
  }
}

function newBatch(): Batch {
  const data = new Uint8Array(TOGETHER + SMALL_FILE)
  return { data, used: 0, lengths: [], waiting: [] }
}
