/** A signal for one waiter. If it rings while nobody waits, the next wait returns immediately. */
export class Wake {
  #rung = false
  #stopWaiting: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#stopWaiting?.()
  }

  /** Resolves at the next ring, immediately if it rang since the last wait, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, Math.max(0, ms)) : undefined
        this.#stopWaiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#stopWaiting = undefined
    this.#rung = false
  }
}
