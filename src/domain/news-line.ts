import { BackupdError } from '../lib/errors.ts'
import type { RunRecord } from '../wire/record.ts'
import { isOfWholeCatalog, MAX_TOGETHER } from './record-ledger.ts'

export interface NewsPost {
  server: string
  records: readonly RunRecord[]
  /** Aborted when nobody waits for the answer any more. */
  gone?: AbortSignal | undefined
}

/** What became of a post that is on disk. */
export interface TakenNews {
  /** Those that were not set aside. */
  records: readonly RunRecord[]
  /** A run began or ended. */
  changed: boolean
  /** The store differs from what the catalog knew before. */
  isSurprising: boolean
}

interface Waiting extends PromiseWithResolvers<TakenNews> {
  post: NewsPost
  onGone(): void
}

/** Takes posts together. Settles each on its own, in the same order; rejects only before any is stored. */
export type TakePosts = (posts: readonly NewsPost[]) => Promise<PromiseSettledResult<TakenNews>[]>

/** The posts that wait to be taken, in the order of their arrival. One whose sender gave up leaves the line. */
export class NewsLine {
  readonly #takePosts: TakePosts
  readonly #maxTogether: number
  readonly #waiting = new Set<Waiting>()
  #isWorking = false

  /** @param maxTogether how many records to take together, except for a single larger post */
  constructor(takePosts: TakePosts, maxTogether = MAX_TOGETHER) {
    this.#takePosts = takePosts
    this.#maxTogether = maxTogether
  }

  /** Resolves when the post is on disk. Rejects with OVERLOADED if its sender gave up before its turn came. */
  take(post: NewsPost): Promise<TakenNews> {
    const waiting = { ...Promise.withResolvers<TakenNews>(), post, onGone: () => this.#drop(waiting) }
    this.#waiting.add(waiting)
    if (post.gone?.aborted) this.#drop(waiting)
    else post.gone?.addEventListener('abort', waiting.onGone, { once: true })
    if (!this.#isWorking) void this.#work()
    return waiting.promise
  }

  #drop(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return
    const what = `The sender of this news of ${waiting.post.server} gave up before it was taken`
    waiting.reject(new BackupdError('OVERLOADED', `${what}. It sends it again`))
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    // Lets those in that arrive in the same turn.
    await Promise.resolve()
    while (this.#waiting.size > 0) await this.#takeBatch(this.#nextBatch())
    this.#isWorking = false
  }

  /** As many as fit into one batch, at least one. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = []
    let room = this.#maxTogether
    for (const waiting of this.#waiting) {
      room -= waiting.post.records.length
      if (batch.length > 0 && room < 0) break
      batch.push(waiting)
      this.#waiting.delete(waiting)
      waiting.post.gone?.removeEventListener('abort', waiting.onGone)
    }
    return batch
  }

  /** If the posts cannot be looked at together, each half is tried alone, so that a bad one fails alone. */
  async #takeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#takePosts(batch.map(({ post }) => post))
      for (const [at, waiting] of batch.entries()) settle(waiting, results[at])
    } catch (error) {
      if (batch.length > 1 && !isOfWholeCatalog(error)) {
        const half = batch.length >> 1
        await this.#takeBatch(batch.slice(0, half))
        await this.#takeBatch(batch.slice(half))
      } else for (const { reject } of batch) reject(error)
    }
  }
}

function settle({ resolve, reject }: Waiting, result: PromiseSettledResult<TakenNews> | undefined): void {
  if (result?.status === 'fulfilled') resolve(result.value)
  else reject(result?.reason)
}
