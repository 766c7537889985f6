import { isoTime } from '../lib/clock.ts'
import { MAX_PHASES, type RunPhase } from '../wire/run-phase.ts'

/** The phases of one run, in order. Times are unix ms. Each change makes a new list, so lists may be kept. */
export class PhaseList {
  #list: readonly RunPhase[] = []
  #bytesDone = 0

  get list(): RunPhase[] {
    return [...this.#list]
  }

  /** Ends the present phase and begins the named one. @returns whether it is another one */
  enter(name: string, now: number): boolean {
    if (this.#list.at(-1)?.name === name) return false
    this.end(now)
    const next = { name, start: isoTime(now), end: null, bytes: 0 }
    this.#list = joinOverMax([...this.#list, next])
    return true
  }

  /** Adds to the present phase what was done since the last call. A lower number than before began again at 0. */
  count(bytesDone: number): void {
    const grown = bytesDone < this.#bytesDone ? bytesDone : bytesDone - this.#bytesDone
    this.#bytesDone = bytesDone
    if (grown > 0) this.#changeLast(({ bytes }) => ({ bytes: bytes + grown }))
  }

  end(now: number): void {
    this.#changeLast(({ end }) => ({ end: end ?? isoTime(now) }))
  }

  /** Removes the present phase. */
  forgetLast(): void {
    this.#list = this.#list.slice(0, -1)
  }

  #changeLast(change: (phase: RunPhase) => Partial<RunPhase>): void {
    const last = this.#list.at(-1)
    if (last) this.#list = [...this.#list.slice(0, -1), { ...last, ...change(last) }]
  }
}

/** Joins the first phase that goes on after an interruption with what interrupted it. */
function joinOverMax(list: readonly RunPhase[]): readonly RunPhase[] {
  if (list.length <= MAX_PHASES) return list
  const at = list.findIndex(({ name }, n) => name === list[n + 2]?.name)
  // Without one, which no action does, the first two are joined.
  const [first, count] = at < 0 ? [0, 2] : [at, 3]
  return list.toSpliced(first, count, ...joinPhases(list.slice(first, first + count)))
}

function joinPhases(phases: readonly RunPhase[]): RunPhase[] {
  const [first, last] = [phases[0], phases.at(-1)]
  if (!first || !last) return []
  const bytes = phases.reduce((sum, phase) => sum + phase.bytes, 0)
  return [{ ...first, end: last.end, bytes }]
}
