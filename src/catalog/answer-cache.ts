/**
 * Answers to questions, as long as nothing is written. Whoever writes calls forget() before it says that it wrote;
 * an answer that was being read meanwhile is given to those who already waited for it, and not kept.
 */
export class AnswerCache<T> {
  readonly #answers = new Map<string, Promise<T>>()
  readonly #weights = new Map<string, number>()
  readonly #weightOf: (answer: T) => number
  readonly #mostWeight: number
  #weight = 0

  /** Holds answers of `mostWeight` in all; what was asked first goes first. */
  constructor(weightOf: (answer: T) => number, mostWeight: number) {
    this.#weightOf = weightOf
    this.#mostWeight = mostWeight
  }

  /** What is kept is shared: callers leave it as it is. */
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

  #weigh(question: string, asked: Promise<T>, weight: number): void {
    if (this.#answers.get(question) !== asked) return
    this.#weights.set(question, weight)
    this.#weight += weight
    for (const oldest of this.#weights.keys()) {
      if (this.#weight <= this.#mostWeight) return
      this.#drop(oldest)
    }
  }

  #drop(question: string): void {
    this.#answers.delete(question)
    this.#weight -= this.#weights.get(question) ?? 0
    this.#weights.delete(question)
  }
}
