import { DAY_MS } from '../../lib/time-units.ts'
import {
  FIRST_LINES,
  LAST_LINES,
  type LogLine,
  type LogPage,
  type LogPageArgs,
  type NewLogLine,
} from '../../wire/run-log.ts'
import type { DaemonDb } from './database.ts'

/** How many lines of all runs are kept. */
const MAX_LINES = 200_000
const MAX_AGE_MS = 30 * DAY_MS
/** Limit of rows that one step of a clean-up looks at. */
const MAX_PRUNED_LINES = 2000

export interface LoggedLines {
  rid: string
  lines: readonly NewLogLine[]
}

/** The logs of runs, of each run its first and its last lines. */
export class LogMemory {
  readonly #db: DaemonDb
  readonly #add
  readonly #newest
  readonly #leaveOut
  readonly #dropOldest

  constructor(db: DaemonDb) {
    this.#db = db
    this.#newest = db
      .prepare<[string], number>('SELECT coalesce(max(number), 0) FROM log_lines WHERE rid = ?')
      .pluck()
    this.#add = db.prepare('INSERT INTO log_lines (rid, number, at, level, text) VALUES (?, ?, ?, ?, ?)')
    this.#leaveOut = db.prepare('DELETE FROM log_lines WHERE rid = ? AND number > ? AND number <= ?')
    this.#dropOldest = db.prepare('DELETE FROM log_lines WHERE id <= (SELECT max(id) FROM log_lines) - ?')
  }

  /** Call it inside a transaction. */
  write(logged: readonly LoggedLines[]): void {
    for (const one of logged) this.#append(one)
    if (logged.length > 0) this.#dropOldest.run(MAX_LINES)
  }

  #append({ rid, lines }: LoggedLines): void {
    let number = this.#newest.get(rid) ?? 0
    for (const { at, level, text } of lines) this.#add.run(rid, ++number, at, level, text)
    if (number > FIRST_LINES + LAST_LINES) this.#leaveOut.run(rid, FIRST_LINES, number - LAST_LINES)
  }

  find(rid: string, { after, limit }: LogPageArgs): LogPage {
    const lines = this.#db
      .prepare<[string, number, number], LogLine>(
        'SELECT number, at, level, text FROM log_lines WHERE rid = ? AND number > ? ORDER BY number LIMIT ?',
      )
      .all(rid, after, limit + 1)
    const page = lines.slice(0, limit)
    return { lines: page, next: lines.length > limit ? (page.at(-1)?.number ?? null) : null }
  }

  /** Deletes some old lines. @returns how many; 0 when none is left */
  prune(nowMs: number): number {
    const before = new Date(nowMs - MAX_AGE_MS).toISOString()
    const { changes } = this.#db
      .prepare('DELETE FROM log_lines WHERE id < (SELECT min(id) FROM log_lines) + ? AND at < ?')
      .run(MAX_PRUNED_LINES, before)
    return changes
  }
}
