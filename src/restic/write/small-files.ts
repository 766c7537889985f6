import { MAX_SMALL_FILE_BYTES } from '../../volume/tree/read-cached.ts'
import { MAX_PER_ASK } from './content-messages.ts'
import type { Content, ContentPool } from './content-pool.ts'

/** Bytes of small files that are sent to a thread together. */
const BATCH_BYTES = 1 << 20

interface Batch {
  data: Uint8Array<ArrayBuffer>
  used: number
  lengths: number[]
  /** The pending result of each file. */
  waiting: PromiseWithResolvers<Content>[]
}

/** Collects files that are already in memory, so that a thread gets many at once. */
export class SmallFiles {
  readonly #pool: ContentPool
  #batch: Batch | undefined
  /** Memory that threads no longer use: fresh memory takes longer to fill. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = []

  constructor(pool: ContentPool) {
    this.#pool = pool
  }

  /** Adds a file of at most MAX_SMALL_FILE_BYTES bytes, which are copied. */
  add(data: Buffer): Promise<Content> {
    this.#batch ??= newBatch(this.#spare.pop())
    const { lengths, waiting } = this.#batch
    const content = Promise.withResolvers<Content>()
    waiting.push(content)
    lengths.push(data.length)
    this.#batch.data.set(data, this.#batch.used)
    this.#batch.used += data.length
    if (this.#batch.used >= BATCH_BYTES || lengths.length === MAX_PER_ASK) this.flush()
    return content.promise
  }

  /** Sends the collected files now, without waiting for more. */
  flush(): void {
    const batch = this.#batch
    if (!batch) return
    this.#batch = undefined
    const { data, lengths, waiting } = batch
    this.#pool.run({ kind: 'small', data, lengths }).then(
      ({ ids, fault, memory }) => {
        if (memory) this.#spare.push(memory)
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

function newBatch(data = new Uint8Array(BATCH_BYTES + MAX_SMALL_FILE_BYTES)): Batch {
  return { data, used: 0, lengths: [], waiting: [] }
}
