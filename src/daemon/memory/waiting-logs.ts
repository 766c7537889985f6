import type { LoggedLines } from './log-memory.ts'

/** How many lines may wait: 5 MB of the longest. */
const MAX_WAITING_LINES = 5000

/** Lines of logs that are not on disk yet. If they cannot be written for long, only the newest are kept, and the log says so. */
export class WaitingLogs {
  #waiting: LoggedLines[] = []
  #count = 0
  /** By run: how many of its lines are lost, and the time of the last one, ISO 8601. */
  readonly #lost = new Map<string, { count: number; at: string }>()

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(logged: LoggedLines): void {
    this.#waiting.push(logged)
    this.#count += logged.lines.length
    while (this.#count > MAX_WAITING_LINES) this.#dropOldest()
  }

  /** What is to be written, in order. */
  list(): LoggedLines[] {
    const lost = [...this.#lost].map(([rid, { count, at }]): LoggedLines => {
      const text = `${count} lines of this log are lost here: they could not be written`
      return { rid, lines: [{ at, level: 'warn', text }] }
    })
    return [...lost, ...this.#waiting]
  }

  /** Call it when what `list` returned is on disk. */
  clear(): void {
    this.#waiting = []
    this.#count = 0
    this.#lost.clear()
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting.splice(0, 1)
    if (!oldest) return
    const { rid, lines } = oldest
    this.#count -= lines.length
    const count = (this.#lost.get(rid)?.count ?? 0) + lines.length
    this.#lost.set(rid, { count, at: lines.at(-1)?.at ?? '' })
  }
}
