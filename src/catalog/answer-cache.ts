/** What an answer was asked for. A missing field means any value. */
export interface AnswerScope {
  app?: string | undefined
  server?: string | undefined
  /** The one row that it is about: the rid of a record. */
  key?: string
}

/** Which rows of a table a write changed. A missing field means any value. */
export interface TouchedRows {
  apps?: ReadonlySet<string>
  servers?: ReadonlySet<string>
  /** The keys of the rows: the rid of a record, `<server>/<name>` of a backup. */
  keys?: ReadonlySet<string>
}

interface Answer<T> {
  scope: AnswerScope
  asked: Promise<T>
  /** The keys of the rows in it; empty until it has arrived. */
  keys: readonly string[]
  weight: number
}

/**
 * Caches answers until a row that they may show is written. A writer calls forget() before it reports success. An answer
 * that was being read at that time goes only to the callers that already wait for it and is not cached.
 */
export class AnswerCache<T> {
  readonly #answers = new Map<string, Answer<T>>()
  readonly #keysOf: (answer: T) => string[]
  readonly #maxWeight: number
  #weight = 0

  /** @param maxWeight limit of all rows, each answer counted as one more; the oldest answers are dropped first */
  constructor(keysOf: (answer: T) => string[], maxWeight: number) {
    this.#keysOf = keysOf
    this.#maxWeight = maxWeight
  }

  /** Cached answers are shared: callers must not change them. */
  get(question: string, scope: AnswerScope, find: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(question)
    if (known) return known.asked
    const answer: Answer<T> = { scope, asked: find(), keys: [], weight: 0 }
    this.#answers.set(question, answer)
    answer.asked.then(
      (arrived) => this.#weigh(question, answer, this.#keysOf(arrived)),
      () => this.#answers.get(question) === answer && this.#drop(question),
    )
    return answer.asked
  }

  /** Drops the answers that may show one of these rows; without an argument, all of them. */
  forget(touched: TouchedRows = {}): void {
    for (const [question, { scope, keys, weight }] of this.#answers) {
      const isArriving = weight === 0
      if (isArriving || isTouched(scope, touched) || keys.some((key) => touched.keys?.has(key)))
        this.#drop(question)
    }
  }

  /** Records the weight of an answer that has arrived, then drops the oldest answers above the limit. */
  #weigh(question: string, answer: Answer<T>, keys: string[]): void {
    if (this.#answers.get(question) !== answer) return
    answer.keys = keys
    answer.weight = keys.length + 1
    this.#weight += answer.weight
    for (const [oldest, { weight }] of this.#answers) {
      if (this.#weight <= this.#maxWeight) return
      if (weight > 0) this.#drop(oldest)
    }
  }

  #drop(question: string): void {
    this.#weight -= this.#answers.get(question)?.weight ?? 0
    this.#answers.delete(question)
  }
}

/** Whether a changed row may match the scope with its new values. */
function isTouched({ app, server, key }: AnswerScope, { apps, servers, keys }: TouchedRows): boolean {
  return isAmong(app, apps) && isAmong(server, servers) && isAmong(key, keys)
}

function isAmong(value: string | undefined, changed: ReadonlySet<string> | undefined): boolean {
  return value === undefined || changed === undefined || changed.has(value)
}
