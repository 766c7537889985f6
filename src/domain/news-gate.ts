import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { NEWS_BATCH, type NewsHead } from '../wire/news-head.ts'
import { CALM_MS, NewsBacklog } from './news-backlog.ts'
import { WorkRate } from './work-rate.ts'

/** A post that was admitted or wants to be. */
export interface ArrivedPost extends NewsHead {
  /** Of its body. */
  bytes: number
  /** Legacy daemons try a post three times only, so the limit of work does not refuse it. */
  isLegacy: boolean
}

export interface NewsLimits {
  /** How much work may wait, in seconds at the present rate. A daemon waits 20 s for an answer. */
  seconds: number
  bytes: number
  posts: number
  /** Of our daemons, which send one post at a time: more than that have given up, or are hostile. */
  postsPerServer: number
}

/** The bytes allow one body of the largest kind. */
export const NEWS_LIMITS: NewsLimits = { seconds: 5, bytes: 32 * 1024 * 1024, posts: 2000, postsPerServer: 8 }

/** Less than the time after which a silent run is asked for. */
const MAX_RETRY_AFTER_MS = 30_000
const MIN_RETRY_AFTER_MS = 1000
/** More work is called back than can be done, by this factor: a second refusal costs less than a catalog at rest. */
const OVERBOOKING = 2
/** Between the returns of two refused posts. Reading a post takes some ms, so the most that may come is 100 a second. */
const MIN_RETURN_GAP_MS = 10
/** Also a catalog that seems slow is offered 30 posts a second: it may be faster than was measured. */
const MAX_RETURN_GAP_MS = 33
/** Assumed of a post that was refused before it was read. */
const USUAL_RECORDS = NEWS_BATCH.records

/** Admits as much news as can be worked off within seconds, and says to the others when to come back. */
export class NewsGate {
  readonly #clock: Clock
  readonly #limits: NewsLimits
  readonly #rate = new WorkRate()
  readonly #backlog: NewsBacklog
  readonly #posts = new Map<string, Set<ArrivedPost>>()
  #waiting = { posts: 0, records: 0, bytes: 0 }
  /** Elapsed ms: when the next refused post is expected. */
  #nextReturn = 0
  /** Elapsed ms, of the refusals with less than CALM_MS between two of them. */
  #refusals = { first: 0, last: Number.NEGATIVE_INFINITY, count: 0 }

  constructor(clock: Clock, limits: Partial<NewsLimits> = {}) {
    this.#clock = clock
    this.#backlog = new NewsBacklog(clock)
    this.#limits = { ...NEWS_LIMITS, ...limits }
  }

  /** What was admitted and has not ended. */
  get waiting(): Readonly<{ posts: number; records: number; bytes: number }> {
    return this.#waiting
  }

  /** The refusals without a longer calm between them; undefined if there were none for CALM_MS. */
  get refusing(): { count: number; sinceMs: number } | undefined {
    const { first, last, count } = this.#refusals
    const now = this.#clock.elapsed()
    return now - last < CALM_MS ? { count, sinceMs: now - first } : undefined
  }

  /** Dispose of the place when the post is on disk, dropped or refused. Throws OVERLOADED if there is no room. */
  admit(post: ArrivedPost): Disposable {
    const full = this.#findFullLimit(post)
    this.#backlog.note(post.server, full !== undefined || isFullBatch(post))
    if (full !== undefined) throw this.#refuse(post, full)
    return this.#enter(post)
  }

  /** The same for records that the controller asked for; undefined if there is no room. */
  tryAdmit(post: ArrivedPost): Disposable | undefined {
    return this.#findFullLimit(post) === undefined ? this.#enter(post) : undefined
  }

  /** Counts a post that was refused before it was read. @returns seconds until it may come again */
  noteUnread(servers: readonly string[]): number {
    for (const server of servers) this.#backlog.note(server, true)
    return this.#countRefusal(USUAL_RECORDS)
  }

  /** Whether to ask this daemon for records: there is room for them, and it has no news that tells them. */
  mayAsk(server: string): boolean {
    const one = { server, rids: [], records: 1, bytes: 0, isLegacy: false }
    return !this.isBehind(server) && this.#findFullLimit(one) === undefined
  }

  /** Whether the server is known to have more news: its last post was refused, or was as large as a post may be. */
  isBehind(server: string): boolean {
    return this.#backlog.isBehind(server)
  }

  /** Whether an admitted post of the server has not ended. */
  hasPosts(server: string): boolean {
    return this.#posts.has(server)
  }

  #enter(post: ArrivedPost): Disposable {
    const admitted = { ...post }
    const ofServer = this.#posts.get(post.server) ?? new Set()
    this.#posts.set(post.server, ofServer.add(admitted))
    this.#count(admitted, 1)
    return { [Symbol.dispose]: () => this.#leave(admitted) }
  }

  /** Whether an admitted post of the server names this run. */
  names(server: string, rid: string): boolean {
    return [...(this.#posts.get(server) ?? [])].some(({ rids }) => rids.includes(rid))
  }

  /** Notes how long it took to take `records`. */
  noteTaken(records: number, ms: number): void {
    this.#rate.note(records, ms)
  }

  /**
   * Whole seconds until a refused post may come back. Each refusal gets a later time, as in a queue, so that the refused
   * daemons do not come back in one wave.
   */
  chooseRetryAfter(records: number): number {
    const now = this.#clock.elapsed()
    const workMs = (records / (OVERBOOKING * this.#rate.perSecond)) * 1000
    const gap = Math.min(Math.max(workMs, MIN_RETURN_GAP_MS), MAX_RETURN_GAP_MS)
    this.#nextReturn = Math.min(Math.max(this.#nextReturn, now) + gap, now + 2 * MAX_RETRY_AFTER_MS)
    const delay = (this.#nextReturn - now) * (0.75 + Math.random() / 2)
    const late = MAX_RETRY_AFTER_MS * (0.5 + Math.random() / 2)
    return Math.ceil(Math.max(MIN_RETRY_AFTER_MS, delay > MAX_RETRY_AFTER_MS ? late : delay) / 1000)
  }

  #findFullLimit({ server, records, bytes, isLegacy }: ArrivedPost): string | undefined {
    const { posts, ...waiting } = this.#waiting
    if (posts === 0) return undefined
    const { seconds, ...limits } = this.#limits
    const work = Math.round(this.#rate.perSecond * seconds)
    const ofServer = this.#posts.get(server)?.size ?? 0
    if (posts >= limits.posts) return `${posts} posts wait already`
    if (waiting.bytes + bytes > limits.bytes) return `posts of ${waiting.bytes} bytes wait already`
    if (isLegacy) return undefined
    if (ofServer >= limits.postsPerServer) return `${ofServer} posts of this server wait already`
    return waiting.records + records > work ? `${waiting.records} records wait already` : undefined
  }

  #refuse({ server, records }: ArrivedPost, why: string): BackupdError {
    const retryAfterSeconds = this.#countRefusal(records)
    const message = `Cannot take news of ${server} now: ${why}. Send it again in ${retryAfterSeconds} s`
    return new BackupdError('OVERLOADED', message, { facts: { server, retryAfterSeconds } })
  }

  /** Returns seconds until the post may come again. */
  #countRefusal(records: number): number {
    const [now, count] = [this.#clock.elapsed(), (this.refusing?.count ?? 0) + 1]
    this.#refusals = { first: count === 1 ? now : this.#refusals.first, last: now, count }
    return this.chooseRetryAfter(records)
  }

  #leave(post: ArrivedPost): void {
    const ofServer = this.#posts.get(post.server)
    if (!ofServer?.delete(post)) return
    if (ofServer.size === 0) this.#posts.delete(post.server)
    this.#count(post, -1)
  }

  #count({ records, bytes }: ArrivedPost, sign: 1 | -1): void {
    this.#waiting.posts += sign
    this.#waiting.records += sign * records
    this.#waiting.bytes += sign * bytes
  }
}

/** Such a post leaves nothing out only by chance. A daemon ends a batch before the record that would make it too large. */
function isFullBatch({ records, bytes }: ArrivedPost): boolean {
  return records >= NEWS_BATCH.records || bytes >= NEWS_BATCH.length / 2
}
