import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import { DAY_MS } from '../lib/time-units.ts'

/** A problem is cleared if nothing of its kind came for this long. */
const FORGET_MS = DAY_MS
/** Least time between two log lines about the same problem. */
const LOG_INTERVAL_MS = 60_000
const SOURCE = 'set aside'

interface SetAsideCount {
  count: number
  at: number
  loggedAt: number
}

interface SetAsideParts {
  clock: Clock
  log: Log
  problems: Problems
}

/** Counts, logs and reports as a problem of the server what a known server sent and could not be used. */
export class SetAside {
  readonly #parts: SetAsideParts
  readonly #entries = new Map<string, SetAsideCount>()

  constructor(parts: SetAsideParts) {
    this.#parts = parts
  }

  /** @param what the kind of thing, such as `records` */
  note(server: string, what: string, reasons: readonly string[]): void {
    const last = reasons.at(-1)
    if (last === undefined) return
    const { clock, log, problems } = this.#parts
    const now = clock.now()
    const key = `${server} ${what}`
    const entry = this.#entries.get(key) ?? { count: 0, at: now, loggedAt: Number.NEGATIVE_INFINITY }
    this.#entries.set(key, entry)
    entry.count += reasons.length
    entry.at = now
    const text = `Set aside ${entry.count} ${what} that could not be used; the last: ${last}`
    problems.report({ source: SOURCE, key, text, about: server })
    if (Math.abs(now - entry.loggedAt) < LOG_INTERVAL_MS) return
    entry.loggedAt = now
    log.warn({ server, what, count: entry.count, reason: last }, text)
  }

  /** Clears problems that have not occurred again for FORGET_MS; call it now and then. */
  forgetOld(): void {
    const now = this.#parts.clock.now()
    for (const [key, { at }] of this.#entries) {
      if (Math.abs(now - at) < FORGET_MS) continue
      this.#entries.delete(key)
      this.#parts.problems.clear(SOURCE, key)
    }
  }
}
