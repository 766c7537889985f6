import { PAUSED, type Progress, WAIT_FOR_STORE } from '../wire/record.ts'
import type { Run } from './run.ts'
import type { RunQueue } from './run-queue.ts'
import type { RunWatch } from './run-watch.ts'

export interface IdleRunsParts {
  queue: Pick<RunQueue, 'isBusy'>
  watch: Pick<RunWatch, 'begin' | 'end'>
}

/**
 * Pauses the idle runs while others work: heavy ones, and any that had to wait for the store or for a lock in it, which an
 * idle run may hold.
 */
export class IdleRuns {
  readonly #parts: IdleRunsParts
  readonly #running = new Set<Run>()
  /** Those that did pause, and are not watched. */
  readonly #resting = new Set<Run>()
  /** Other runs that have waited, until they end: a prune waits for the lock of each of its slices. */
  readonly #waiting = new Set<Run>()

  constructor(parts: IdleRunsParts) {
    this.#parts = parts
  }

  begin(run: Run): void {
    if (!run.pausing) return
    this.#running.add(run)
    this.pause(run, this.#parts.queue.isBusy)
  }

  end(run: Run): void {
    this.#running.delete(run)
    this.#resting.delete(run)
    if (this.#waiting.delete(run)) this.#update()
  }

  noteProgress(run: Run, { phase }: Partial<Progress>): void {
    if (run.pausing?.isPaused && phase === PAUSED) this.#rest(run)
    if (phase !== WAIT_FOR_STORE || run.pausing || this.#waiting.has(run)) return
    this.#waiting.add(run)
    this.#update()
  }

  pause(run: Run, isBusy: boolean): void {
    const isPaused = isBusy || this.#waiting.size > 0
    if (!run.pausing || !this.#running.has(run) || run.pausing.isPaused === isPaused) return
    if (!isPaused && this.#resting.delete(run)) this.#parts.watch.begin(run)
    run.pausing.set(isPaused)
  }

  /** A run that rests does not hang. Until it says so, it may hang while others wait for it. */
  #rest(run: Run): void {
    this.#resting.add(run)
    this.#parts.watch.end(run)
  }

  #update(): void {
    for (const run of this.#running) this.pause(run, this.#parts.queue.isBusy)
  }
}
