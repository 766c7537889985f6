/** Pauses a run that gives way to others. The daemon sets it, and the child of the run gets each change. */
export class PauseSwitch {
  #isPaused = false
  readonly #listeners = new Set<(isPaused: boolean) => void>()

  get isPaused(): boolean {
    return this.#isPaused
  }

  set(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    for (const listener of [...this.#listeners]) listener(isPaused)
  }

  /** Calls the listener with each change until it is disposed. */
  listen(listener: (isPaused: boolean) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Resolves once it is not paused, or the signal is aborted. */
  async resumed(signal: AbortSignal): Promise<void> {
    // It may be paused again before whoever waits goes on.
    while (this.#isPaused && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      using _listening = this.listen((isPaused) => isPaused || resolve())
      const end = () => resolve()
      signal.addEventListener('abort', end, { once: true })
      await promise
      signal.removeEventListener('abort', end)
    }
  }
}
