import type { FileHead } from '../wire/file-content.ts'
import type { FromChild } from './child-messages.ts'
import type { RunOutput } from './plugin.ts'

/** Larger pieces are split, so that the daemon is never busy with one for long. */
const MAX_PIECE_BYTES = 256 << 10

/** Sends content to the daemon, a piece at a time: the next one when that was taken. */
export class ChildOutput implements RunOutput {
  readonly #send: (message: FromChild) => void
  readonly #signal: AbortSignal
  #taken: () => void = () => {}

  constructor(send: (message: FromChild) => void, signal: AbortSignal) {
    this.#send = send
    this.#signal = signal
  }

  begin(head: FileHead): void {
    this.#send({ kind: 'head', head })
  }

  async write(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; at += MAX_PIECE_BYTES)
      await this.#writeSmall(piece.subarray(at, at + MAX_PIECE_BYTES))
  }

  taken(): void {
    this.#taken()
  }

  async #writeSmall(piece: Buffer): Promise<void> {
    this.#signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = () => reject(this.#signal.reason)
    this.#signal.addEventListener('abort', abort, { once: true })
    this.#taken = resolve
    this.#send({ kind: 'piece', piece })
    try {
      await promise
    } finally {
      this.#signal.removeEventListener('abort', abort)
    }
  }
}
