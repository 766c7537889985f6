import type { Json } from '../lib/errors.ts'
import { MAX_WARNINGS, type Progress } from '../wire/record.ts'
import type { FromChild } from './child-messages.ts'

/** The least time between two reports. */
const MIN_INTERVAL_MS = 50

export interface Reporter {
  progress(change: Partial<Progress>): void
  warn(message: string): void
  log(level: 'info' | 'warn' | 'error', message: string, facts: Record<string, Json>): void
  /** Sends what is held back. */
  flush(): void
  /** Flushes, then sends nothing more: late callbacks of this run must not report into the next one. */
  close(): void
}

/**
 * Throttles what a run reports to its parent: merges progress and sends it at most 20 times a second, the first
 * immediately. Sends the warnings that the record keeps one by one, and only counts the rest.
 */
export function createReporter(write: (message: FromChild) => void): Reporter {
  let change: Partial<Progress> | undefined
  let warned = 0
  let uncounted: { message: string; count: number } | undefined
  let pause: NodeJS.Timeout | undefined
  let closed = false

  function send(message: FromChild): void {
    if (!closed) write(message)
  }

  function flush(): void {
    if (change) send({ kind: 'progress', change })
    if (uncounted) send({ kind: 'warn', ...uncounted })
    change = undefined
    uncounted = undefined
  }

  function flushSoon(): void {
    if (pause) return
    flush()
    pause = setTimeout(() => {
      pause = undefined
      if (change || uncounted) flushSoon()
    }, MIN_INTERVAL_MS)
    pause.unref()
  }

  return {
    progress(more) {
      change = { ...change, ...more }
      flushSoon()
    },
    warn(message) {
      warned++
      if (warned <= MAX_WARNINGS) return send({ kind: 'warn', message, count: 1 })
      uncounted = { message, count: (uncounted?.count ?? 0) + 1 }
      flushSoon()
    },
    log: (level, message, facts) => send({ kind: 'log', level, message, facts }),
    flush,
    close() {
      flush()
      closed = true
    },
  }
}
