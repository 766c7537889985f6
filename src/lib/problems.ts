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
  /** The ids of the problems of each other machine. */
  readonly #idsAbout = new Map<string, Set<string>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  report(report: Report): void {
    const id = makeId(report.source, report.key)
    const known = this.#known.get(id)
    if (known && known.about !== report.about) this.#delete(id)
    this.#known.set(id, { ...report, since: known?.since ?? isoTime(this.#clock.now()) })
    if (report.about === undefined) return
    const ids = this.#idsAbout.get(report.about) ?? new Set()
    this.#idsAbout.set(report.about, ids.add(id))
  }

  /** @returns whether there was such a problem */
  clear(source: string, key: string): boolean {
    return this.#delete(makeId(source, key))
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
    return this.#listPresent(this.#known.keys())
  }

  /** Those of another machine, without a look at all others. */
  listAbout(ip: string): Problem[] {
    return this.#listPresent(this.#idsAbout.get(ip) ?? [])
  }

  #listPresent(ids: Iterable<string>): Problem[] {
    const now = this.#clock.now()
    const all: Problem[] = []
    for (const id of ids) {
      const problem = this.#known.get(id)
      if (problem?.untilMs !== undefined && problem.untilMs < now) this.#delete(id)
      else if (problem) all.push(problem)
    }
    return [...all.filter(({ isFatal }) => isFatal), ...all.filter(({ isFatal }) => !isFatal)]
  }

  #delete(id: string): boolean {
    const { about = '' } = this.#known.get(id) ?? {}
    const ids = this.#idsAbout.get(about)
    ids?.delete(id)
    if (ids?.size === 0) this.#idsAbout.delete(about)
    return this.#known.delete(id)
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
