import type { Json } from '../lib/errors.ts'
import { MAX_WARNINGS, type Progress } from '../wire/record.ts'
import type { FromChild } from './child-messages.ts'

/** The least time between two reports. */
const MIN_INTERVAL_MS = 50

/**
 * Throttles what a run reports to its parent: merges progress and sends it at most 20 times a second, the first
 * immediately; of each phase at least the first and the last. Sends the warnings that the record keeps one by one, and only counts the rest.
 */
export class Reporter {
  readonly #write: (message: FromChild) => void
  #change: Partial<Progress> | undefined
  #phase: string | undefined
  #warned = 0
  #uncounted: { message: string; count: number } | undefined
  #pause: NodeJS.Timeout | undefined
  #closed = false

  constructor(write: (message: FromChild) => void) {
    this.#write = write
  }

  progress(change: Partial<Progress>): void {
    if (change.phase !== undefined && change.phase !== this.#phase) this.flush()
    this.#phase = change.phase ?? this.#phase
    this.#change = { ...this.#change, ...change }
    this.#flushSoon()
  }

  warn(message: string): void {
    this.#warned++
    if (this.#warned <= MAX_WARNINGS) {
      this.#send({ kind: 'warn', message, count: 1 })
      return
    }
    this.#uncounted = { message, count: (this.#uncounted?.count ?? 0) + 1 }
    this.#flushSoon()
  }

  log(level: 'info' | 'warn' | 'error', message: string, facts: Record<string, Json>): void {
    this.#send({ kind: 'log', level, message, facts })
  }

  /** Sends what is held back. */
  flush(): void {
    if (this.#change) this.#send({ kind: 'progress', change: this.#change })
    if (this.#uncounted) this.#send({ kind: 'warn', ...this.#uncounted })
    this.#change = undefined
    this.#uncounted = undefined
  }

  /** Flushes, then sends nothing more: late callbacks of this run must not report into the next one. */
  close(): void {
    this.flush()
    this.#closed = true
  }

  #send(message: FromChild): void {
    if (!this.#closed) this.#write(message)
  }

  #flushSoon(): void {
    if (this.#pause) return
    this.flush()
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#change || this.#uncounted) this.#flushSoon()
    }, MIN_INTERVAL_MS)
    this.#pause.unref()
  }
}
