/**
 * Caches answers until something is written. A writer calls forget() before it reports success. An answer that was
 * being read at that time goes only to the callers that already wait for it and is not cached.
 */
export class AnswerCache<T> {
  readonly #answers = new Map<string, Promise<T>>()
  readonly #weights = new Map<string, number>()
  readonly #weightOf: (answer: T) => number
  readonly #maxWeight: number
  #weight = 0

  /** @param maxWeight limit of the total weight; the oldest answers are dropped first */
  constructor(weightOf: (answer: T) => number, maxWeight: number) {
    this.#weightOf = weightOf
    this.#maxWeight = maxWeight
  }

  /** Cached answers are shared: callers must not change them. */
  get(question: string, find: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(question)
    if (known) return known
    const asked = find()
    this.#answers.set(question, asked)
    asked.then(
      (answer) => this.#weigh(question, asked, this.#weightOf(answer)),
      () => this.#answers.get(question) === asked && this.#drop(question),
    )
    return asked
  }

  forget(): void {
    this.#answers.clear()
    this.#weights.clear()
    this.#weight = 0
  }

  /** Records the weight of an answer that has arrived, then drops the oldest answers above the limit. */
  #weigh(question: string, asked: Promise<T>, weight: number): void {
    if (this.#answers.get(question) !== asked) return
    this.#weights.set(question, weight)
    this.#weight += weight
    for (const oldest of this.#weights.keys()) {
      if (this.#weight <= this.#maxWeight) return
      this.#drop(oldest)
    }
  }

  #drop(question: string): void {
    this.#answers.delete(question)
    this.#weight -= this.#weights.get(question) ?? 0
    this.#weights.delete(question)
  }
}
