import { SMALL_FILE } from '../../tree/look.ts'
import { ASKED_AT_ONCE } from './content-messages.ts'
import type { Content, ContentPool } from './content-pool.ts'

/** Small files go to a thread when they are so many bytes. */
const TOGETHER = 1 << 20

interface Batch {
  data: Uint8Array<ArrayBuffer>
  used: number
  lengths: number[]
  all: PromiseWithResolvers<Content>
}

/** Collects files that are in memory, so that a thread gets many at once. */
export class SmallFiles {
  readonly #pool: ContentPool
  #batch: Batch | undefined

  constructor(pool: ContentPool) {
    this.#pool = pool
  }

  /** At most SMALL_FILE bytes, which are copied. */
  async add(data: Buffer): Promise<Content> {
    this.#batch ??= newBatch()
    const { lengths, all } = this.#batch
    const at = lengths.push(data.length) - 1
    this.#batch.data.set(data, this.#batch.used)
    this.#batch.used += data.length
    if (this.#batch.used >= TOGETHER || lengths.length === ASKED_AT_ONCE) this.flush()
    const { ids, fault } = await all.promise
    return { ids: ids?.slice(at, at + 1) ?? null, fault }
  }

  /** Lets those that were added wait for no others. */
  flush(): void {
    const batch = this.#batch
    if (!batch) return
    this.#batch = undefined
    const { data, lengths, all } = batch
    this.#pool.run({ kind: 'small', data, lengths }).then(all.resolve, all.reject)
  }
}

function newBatch(): Batch {
  const data = new Uint8Array(TOGETHER + SMALL_FILE)
  return { data, used: 0, lengths: [], all: Promise.withResolvers() }
}
