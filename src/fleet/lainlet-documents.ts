import type { Clock } from '../lib/clock.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { type InventoryParts, ReceivedApps } from './inventory-parts.ts'
import { MAX_INLINE_LENGTH, readInProcess } from './inventory-process.ts'
import { readParts } from './read-parts.ts'

export interface DocumentsOptions {
  clock: Clock
  /** Ends a reading in progress. */
  signal: AbortSignal
  /** Called with each readable document. `state` changes only if its inventory or its faults do. */
  onRead(news: InventoryNews, state: string): void
  /** Called if a document cannot be read, unless `finish` has reported it. */
  onUnreadable(error: unknown): void
}

/** Least time between two documents that are parsed. */
const MIN_READ_INTERVAL_MS = 200

/** Parses the documents of lainlet. Each replaces the last one, so only the newest of a burst is parsed. */
export class LainletDocuments {
  readonly #options: DocumentsOptions
  readonly #received = new ReceivedApps()
  #newest: string | undefined
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> | undefined
  #readAt = Number.NEGATIVE_INFINITY

  constructor(options: DocumentsOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => clearTimeout(this.#timer))
  }

  /** Whether a document has arrived and is not parsed yet. */
  get isPending(): boolean {
    return this.#newest !== undefined || this.#reading !== undefined
  }

  receive(document: string): void {
    this.#newest = document
    if (this.#reading === undefined) this.#schedule()
  }

  /** Parses what has arrived. Rejects if it cannot be read. */
  async finish(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#reading
    await this.#read()
  }

  #schedule(): void {
    const wait = Math.max(0, this.#readAt + MIN_READ_INTERVAL_MS - this.#options.clock.elapsed())
    this.#timer ??= setTimeout(() => this.finish().catch(this.#options.onUnreadable), wait)
  }

  async #read(): Promise<void> {
    const document = this.#newest
    this.#newest = undefined
    if (document === undefined || this.#options.signal.aborted) return
    this.#reading = this.#parse(document).finally(() => {
      this.#reading = undefined
      this.#readAt = this.#options.clock.elapsed()
      if (this.#newest !== undefined && !this.#options.signal.aborted) this.#schedule()
    })
    await this.#reading
  }

  async #parse(document: string): Promise<void> {
    const request = { text: { document }, known: this.#received.hashes }
    const parts =
      document.length <= MAX_INLINE_LENGTH
        ? readParts(request)
        : await readInProcess(request, this.#options.signal)
    const news = await this.#received.join(parts)
    if (news.kind === 'broken') throw new Error(news.problem)
    if (!this.#options.signal.aborted) this.#options.onRead(news, makeState(parts))
  }
}

function makeState(parts: InventoryParts): string {
  if (parts.kind === 'broken') return ''
  return JSON.stringify([parts.apps.map(({ hash }) => hash), parts.faults])
}
