/** So long, many senders may send in one turn of the event loop. */
const TURN_MS = 8

/** Lets the event loop turn while many senders have much to send and hardly ever wait. */
export class SendTurns {
  #began = 0
  #next: Promise<void> | undefined

  /** Resolves when it is the caller's turn to compute or send a message. */
  async pass(): Promise<void> {
    for (let turn = this.#present(); performance.now() - this.#began > TURN_MS; turn = this.#present())
      await turn
  }

  /** Resolves when the next turn begins. */
  #present(): Promise<void> {
    if (this.#next) return this.#next
    this.#began = performance.now()
    this.#next = new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined
        resolve()
      })
    })
    return this.#next
  }
}
