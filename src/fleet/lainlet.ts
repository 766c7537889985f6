import type { EventSourceMessage } from 'eventsource-parser'
import { Agent } from 'undici'
import type { InventorySource } from '../domain/ports.ts'
import { backoffMs } from '../lib/backoff.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sleep } from '../lib/sleep.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { readBackupSpec } from './backup-spec.ts'
import { readEvents } from './event-stream.ts'
import { shortly } from './shortly.ts'

export interface LainletOptions {
  /** HOST:PORT */
  address: string
  log: Log
  /** lainlet is asked for a sign of life each so many seconds. */
  heartbeatSeconds?: number
  /** lainlet drops a change that comes while it sends another: asked anew each so many seconds, none stays unknown. */
  anewSeconds?: number
}

const HEARTBEAT_SECONDS = 10
/** So many beats may be missing. */
const BEATS_MISSED = 3
/** So many may come before the first document; more than may be missing, so that silence is told as such. */
const BEATS_BEFORE_DOCUMENT = 4
const LONGEST_PAUSE_MS = 30_000
/** A connection that held so long was a good one. */
const STEADY_MS = 60_000
const ANEW_SECONDS = 600
/** Between two documents that are read. */
const READ_GAP_MS = 200
/** Characters of one document. */
const LARGEST_DOCUMENT = 32 * 1024 * 1024
/** A start does not wait longer for the first word. */
const FIRST_WORD_MS = 5000
/** These carry the whole document as it then is. */
const DOCUMENTS: ReadonlySet<string> = new Set(['init', 'update', 'delete'])

/**
 * What lainlet tells of the pods of a cluster. While it is away, or tells what cannot be read, the last good state
 * stands; it is tried again for as long as it takes.
 */
export function createLainlet(options: LainletOptions): InventorySource {
  return {
    async watch(onNews) {
      const watching = new LainletWatch(options, onNews)
      await watching.firstWord()
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
  /** This connection told a good one. */
  #hasState = false
  /** The last news, to tell nothing twice. */
  #told = ''
  /** A document that came and is not read yet. */
  #newest: string | undefined
  #reading: NodeJS.Timeout | undefined
  #readAt = Number.NEGATIVE_INFINITY
  /** Ends the connection that stands, with what is wrong with it. */
  #broken = new AbortController()
  /** Ends the connection or the pause, to ask again. */
  #again = new AbortController()

  constructor(options: LainletOptions, onNews: (news: InventoryNews) => void) {
    this.#options = options
    this.#onNews = onNews
    this.#done = this.#follow()
  }

  async firstWord(): Promise<void> {
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, this.#stop.signal])
    await Promise.race([this.#first.promise, sleep(FIRST_WORD_MS, signal)])
    late.abort()
  }

  /** Asks again at once, on a new connection. What it tells comes as news. */
  async reread(): Promise<void> {
    this.#again.abort()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
    clearTimeout(this.#reading)
    await this.#agent.destroy()
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const begun = performance.now()
      this.#hasState = false
      const problem = await this.#listen()
      if (this.#stop.signal.aborted) return
      if (problem === undefined) continue
      if (this.#hasState && performance.now() - begun > STEADY_MS) this.#failures = 0
      this.#failed(problem)
      const woken = AbortSignal.any([this.#stop.signal, this.#again.signal])
      await sleep(backoffMs(this.#failures, LONGEST_PAUSE_MS), woken)
    }
  }

  /** @returns why it ended; undefined where it was ended to be made anew. */
  async #listen(): Promise<string | undefined> {
    this.#broken = new AbortController()
    this.#again = new AbortController()
    const anew = AbortSignal.any([
      this.#again.signal,
      AbortSignal.timeout((this.#options.anewSeconds ?? ANEW_SECONDS) * 1000),
    ])
    const late = setTimeout(() => this.#breakWithoutDocument(), this.#documentSeconds * 1000)
    try {
      const signal = AbortSignal.any([this.#stop.signal, this.#broken.signal, anew])
      for await (const event of this.#events(signal)) this.#take(event)
      this.#readNow()
      return 'it closed the connection'
    } catch (error) {
      return anew.aborted ? undefined : messageOf(error)
    } finally {
      clearTimeout(late)
    }
  }

  get #documentSeconds(): number {
    return (this.#options.heartbeatSeconds ?? HEARTBEAT_SECONDS) * BEATS_BEFORE_DOCUMENT
  }

  /** Heartbeats alone keep a connection for ever, and tell nothing. */
  #breakWithoutDocument(): void {
    if (this.#hasState || this.#newest !== undefined) return
    this.#broken.abort(new Error(`it sent no document within ${this.#documentSeconds} s`))
  }

  #events(signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
    const { address, heartbeatSeconds = HEARTBEAT_SECONDS } = this.#options
    return readEvents(`http://${address}/v2/backupspec?watch=1&heartbeat=${heartbeatSeconds}`, {
      dispatcher: this.#agent,
      signal,
      silenceMs: heartbeatSeconds * BEATS_MISSED * 1000,
      largestEvent: LARGEST_DOCUMENT,
    })
  }

  /** Each document replaces the last: of a burst only the newest is read. */
  #take({ event = '', data }: EventSourceMessage): void {
    if (event === 'error') throw new Error(`it says: ${shortly(data)}`)
    if (!DOCUMENTS.has(event)) return
    this.#newest = data
    const wait = Math.max(0, this.#readAt + READ_GAP_MS - performance.now())
    this.#reading ??= setTimeout(() => this.#readOrBreak(), wait)
  }

  #readOrBreak(): void {
    try {
      this.#readNow()
    } catch (error) {
      this.#broken.abort(error)
    }
  }

  #readNow(): void {
    clearTimeout(this.#reading)
    this.#reading = undefined
    const text = this.#newest
    this.#newest = undefined
    if (text === undefined) return
    const { inventory, faults } = readBackupSpec(text)
    this.#hasState = true
    this.#readAt = performance.now()
    this.#tell({ kind: 'inventory', inventory, faults })
  }

  /** A connection that is cut and comes back at once is no news. */
  #failed(problem: string): void {
    this.#failures += 1
    const { address, log } = this.#options
    const sentence = `lainlet at ${address} tells nothing: ${problem}. See that it runs and is reached from here`
    if (this.#failures === 1) log.info({ address, problem }, `${sentence}; it is asked again`)
    if (!this.#hasState && (this.#failures > 1 || this.#told === ''))
      this.#tell({ kind: 'broken', problem: sentence })
  }

  #tell(news: InventoryNews): void {
    const told = JSON.stringify(news)
    if (told === this.#told) return
    this.#told = told
    this.#onNews(news)
    this.#first.resolve()
  }
}
