import { type Clock, isoTime } from './clock.ts'

/*
 * The board of present problems that an operator has to fix. A program has one, and any part can add to it:
 *
 *   problems.report({ source: 'clock', key: 'doubt', text: 'The clock … Set it, then …' })   // again: new text, same since
 *   problems.clear('clock', 'doubt')
 *
 * Problems make /healthz `degraded` (200), or with `isFatal` `failing` (503). The board is in memory only and writes no
 * log: a source logs the start and the end of a problem and reports it again after a restart. The part that reports a
 * problem also clears it.
 */

export interface Report {
  /** The part that reports it, such as `clock` or `disk`. */
  source: string
  /** Distinguishes it from other problems of the same source. */
  key: string
  /** What is wrong and what to do, one sentence or two. */
  text: string
  /** The IP of the other machine concerned; undefined: the program itself. */
  about?: string
  /** The program cannot work while the problem lasts. */
  isFatal?: boolean
  /** Unix ms: the problem ends then on its own. */
  untilMs?: number
}

export interface Problem extends Report {
  /** ISO 8601: when it was first reported. */
  since: string
}

export class Problems {
  readonly #clock: Clock
  readonly #known = new Map<string, Problem>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  report(report: Report): void {
    const id = makeId(report.source, report.key)
    const since = this.#known.get(id)?.since ?? isoTime(this.#clock.now())
    this.#known.set(id, { ...report, since })
  }

  /** @returns whether there was such a problem */
  clear(source: string, key: string): boolean {
    return this.#known.delete(makeId(source, key))
  }

  has(source: string, key: string): boolean {
    return this.#known.has(makeId(source, key))
  }

  /** Replaces all problems of a source; those not in `reports` are cleared. */
  replace(source: string, reports: readonly Omit<Report, 'source'>[]): void {
    const keys = new Set(reports.map(({ key }) => key))
    for (const known of this.list()) {
      if (known.source === source && !keys.has(known.key)) this.clear(source, known.key)
    }
    for (const report of reports) this.report({ source, ...report })
  }

  /** Fatal ones first, then in the order they were first reported. */
  list(): Problem[] {
    const now = this.#clock.now()
    for (const [id, { untilMs }] of this.#known) {
      if (untilMs !== undefined && untilMs < now) this.#known.delete(id)
    }
    const all = [...this.#known.values()]
    return [...all.filter(({ isFatal }) => isFatal), ...all.filter(({ isFatal }) => !isFatal)]
  }
}

function makeId(source: string, key: string): string {
  return `${source}\n${key}`
}

/** Limits a list of texts, because one fault can be a problem of thousands of things. */
export function limitTexts(texts: readonly string[], limit: number): string[] {
  if (texts.length <= limit) return [...texts]
  return [...texts.slice(0, limit), `… and ${texts.length - limit} more`]
}
