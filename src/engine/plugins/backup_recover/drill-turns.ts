import { BackupdError } from '../../../lib/errors.ts'
import { PAUSED } from '../../../wire/record.ts'
import { PauseSwitch } from '../../pause-switch.ts'
import type { RunContext } from '../../plugin.ts'

/** A drill that never ends would keep all others, and all verifications, from beginning. */
const MAX_TURNS = 10
const GAVE_WAY = `it had to give way to other runs ${MAX_TURNS} times, and began from its start each time: drill it by hand when less runs there`

/**
 * A drill that gives way. That of a snapshot ends when it is paused and begins again, because a prune may wait for the lock that it
 * holds. That of an archive waits with its next read of the store.
 */
export class DrillTurns {
  readonly #context: RunContext
  readonly #pausing: PauseSwitch
  #waits = false
  #phase: string | undefined

  constructor(context: RunContext) {
    this.#context = context
    this.#pausing = context.pausing ?? new PauseSwitch()
  }

  /** Call it before each read of content. */
  async pace(): Promise<void> {
    if (this.#waits) await this.#resumed()
  }

  /** @param act gets a context whose signal ends with the turn; called for each turn */
  async take<Result>(isSeries: boolean, act: (turn: RunContext) => Promise<Result>): Promise<Result> {
    for (let turn = 1; ; turn++) {
      await this.#resumed()
      this.#context.signal.throwIfAborted()
      if (turn > MAX_TURNS) throw new BackupdError('TIMED_OUT', GAVE_WAY)
      const ending = new AbortController()
      using _pausing = this.#pausing.listen((isPaused) => isPaused && isSeries && ending.abort())
      // Nobody tells of a pause that began before somebody listened.
      if (this.#pausing.isPaused) continue
      this.#waits = !isSeries
      try {
        return await act(this.#makeTurn(ending.signal))
      } catch (error) {
        this.#context.signal.throwIfAborted()
        if (!ending.signal.aborted) throw error
      } finally {
        this.#waits = false
      }
    }
  }

  #makeTurn(ending: AbortSignal): RunContext {
    return {
      ...this.#context,
      signal: AbortSignal.any([this.#context.signal, ending]),
      progress: (change) => {
        this.#phase = change.phase ?? this.#phase
        this.#context.progress(change)
      },
    }
  }

  async #resumed(): Promise<void> {
    const { signal, progress } = this.#context
    if (!this.#pausing.isPaused) return
    progress({ phase: PAUSED })
    await this.#pausing.resumed(signal)
    progress({ phase: this.#phase ?? 'unpack' })
  }
}
