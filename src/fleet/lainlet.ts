import type { EventSourceMessage } from 'eventsource-parser'
import { Agent } from 'undici'
import type { InventorySource } from '../domain/ports.ts'
import { backoffMs } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { readEvents } from './event-stream.ts'
import { LainletDocuments } from './lainlet-documents.ts'
import { truncate } from './truncate.ts'

export interface LainletOptions {
  /** HOST:PORT */
  address: string
  clock: Clock
  log: Log
  /** How often lainlet has to send a heartbeat. */
  heartbeatSeconds?: number
  /** How often to reconnect, because lainlet drops a change that occurs while it sends another. */
  reconnectSeconds?: number
}

const HEARTBEAT_SECONDS = 10
/** How many heartbeats may be missed in a row. */
const MAX_MISSED_BEATS = 3
/**
 * How many heartbeats may come before the first document. More than MAX_MISSED_BEATS, so that a silent lainlet is
 * reported as silent and not as one without a document.
 */
const MAX_BEATS_BEFORE_DOCUMENT = 4
const MAX_BACKOFF_MS = 30_000
/** A connection that lasted this long resets the backoff. One without a document ends sooner. */
const STEADY_CONNECTION_MS = 60_000
const RECONNECT_SECONDS = 600
/** Limit of characters in one document. */
const MAX_DOCUMENT_LENGTH = 32 * 1024 * 1024
/** How long a start waits for the first news. */
const FIRST_NEWS_TIMEOUT_MS = 5000
/** Events that carry the whole current document. */
const DOCUMENT_EVENTS: ReadonlySet<string> = new Set(['init', 'update', 'delete'])

/**
 * The inventory from lainlet, which lists the pods of a cluster. While lainlet is unreachable or sends an unreadable
 * document, the last good state stays in force, and the source tries again without limit.
 */
export function createLainlet(options: LainletOptions): InventorySource {
  return {
    async watch(onNews, { stop }) {
      const watching = new LainletWatch(options, onNews)
      await watching.firstNews(stop)
      return watching
    },
  }
}

class LainletWatch {
  readonly #options: LainletOptions
  readonly #onNews: (news: InventoryNews) => void
  readonly #agent = new Agent({ connect: { timeout: 10_000 } })
  readonly #stop = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  readonly #done: Promise<void>
  #failures = 0
  /** Whether this connection has sent a readable document. */
  #hasDocument = false
  /** The state last published, so that the same news is not published twice. */
  #published = ''
  readonly #documents: LainletDocuments
  /** Ends the current connection, with the reason. */
  #broken = new AbortController()
  /** Ends the current connection or the backoff, to connect again. */
  #reconnect = new AbortController()

  constructor(options: LainletOptions, onNews: (news: InventoryNews) => void) {
    this.#options = options
    this.#onNews = onNews
    this.#documents = new LainletDocuments({
      clock: options.clock,
      signal: this.#stop.signal,
      onRead: (news, state) => {
        this.#hasDocument = true
        this.#publish(news, state)
      },
      onUnreadable: (error) => this.#broken.abort(error),
    })
    this.#done = this.#follow()
  }

  /** @param stop ends the wait */
  async firstNews(stop?: AbortSignal): Promise<void> {
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, ...(stop ? [stop] : [])])
    await Promise.race([this.#first.promise, sleep(FIRST_NEWS_TIMEOUT_MS, signal)])
    late.abort()
  }

  /** Connects again immediately. The result arrives as news. */
  async reread(): Promise<void> {
    this.#reconnect.abort()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
    await this.#agent.destroy()
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const begun = this.#options.clock.elapsed()
      this.#hasDocument = false
      const problem = await this.#listen()
      if (this.#stop.signal.aborted) return
      if (problem === undefined) continue
      if (this.#options.clock.elapsed() - begun > STEADY_CONNECTION_MS) this.#failures = 0
      this.#failed(problem)
      const woken = AbortSignal.any([this.#stop.signal, this.#reconnect.signal])
      await sleep(backoffMs(this.#failures, MAX_BACKOFF_MS), woken)
    }
  }

  /** @returns why the connection ended; undefined if it was ended to connect again */
  async #listen(): Promise<string | undefined> {
    this.#broken = new AbortController()
    const reconnect = new AbortController()
    this.#reconnect = reconnect
    const { clock, reconnectSeconds = RECONNECT_SECONDS } = this.#options
    using _timer = clock.after(reconnectSeconds * 1000, () => reconnect.abort())
    using _late = clock.after(this.#documentSeconds * 1000, () => this.#breakWithoutDocument())
    try {
      const signal = AbortSignal.any([this.#stop.signal, this.#broken.signal, reconnect.signal])
      for await (const event of this.#events(signal)) this.#receive(event)
      await this.#documents.finish()
      return 'it closed the connection'
    } catch (error) {
      // What has arrived still counts, so that an interrupted connection with a readable document is not reported.
      await this.#documents.finish().catch(() => {})
      return reconnect.signal.aborted ? undefined : messageOf(error)
    }
  }

  get #documentSeconds(): number {
    return (this.#options.heartbeatSeconds ?? HEARTBEAT_SECONDS) * MAX_BEATS_BEFORE_DOCUMENT
  }

  /** Ends a connection with heartbeats but no document, which would last forever. */
  #breakWithoutDocument(): void {
    if (this.#hasDocument || this.#documents.isPending) return
    this.#broken.abort(new Error(`it sent no document within ${this.#documentSeconds} s`))
  }

  #events(signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
    const { address, clock, heartbeatSeconds = HEARTBEAT_SECONDS } = this.#options
    return readEvents(`http://${address}/v2/backupspec?watch=1&heartbeat=${heartbeatSeconds}`, {
      dispatcher: this.#agent,
      clock,
      signal,
      silenceMs: heartbeatSeconds * MAX_MISSED_BEATS * 1000,
      maxEventLength: MAX_DOCUMENT_LENGTH,
    })
  }

  #receive({ event = '', data }: EventSourceMessage): void {
    if (event === 'error') throw new Error(`it reports an error: ${truncate(data)}`)
    if (DOCUMENT_EVENTS.has(event)) this.#documents.receive(data)
  }

  /** Reports a failure only if it lasts: a connection that is cut and restored immediately is not news. */
  #failed(problem: string): void {
    this.#failures += 1
    const { address, log } = this.#options
    const sentence = `Cannot read the inventory from lainlet at ${address}: ${problem}. Check that it runs and can be reached from here`
    if (this.#failures === 1) log.info({ address, problem }, `${sentence}; trying again`)
    if (!this.#hasDocument && (this.#failures > 1 || this.#published === ''))
      this.#publish({ kind: 'broken', problem: sentence }, sentence)
  }

  #publish(news: InventoryNews, state: string): void {
    if (state === this.#published) return
    this.#published = state
    this.#onNews(news)
    this.#first.resolve()
  }
}
