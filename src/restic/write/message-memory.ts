import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { release } from '../../lib/release.ts'

/** Longer messages have memory of their own. */
const MESSAGE_BYTES = 2 * 1024 * 1024
/** More than this is freed when it comes back. */
const MAX_SPARE = 2

/**
 * Runs in a thread: memory for its messages. It comes back when the main thread has used it, because the first use of
 * fresh memory takes longer than to seal what is written there.
 */
export class MessageMemory {
  readonly #port: MessagePort
  readonly #spare: ArrayBuffer[] = []

  /** `port`: where the main thread returns memory. */
  constructor(port: MessagePort) {
    this.#port = port
  }

  /** At least `bytes` bytes, of any content, with an ArrayBuffer of their own. */
  take(bytes: number): Buffer<ArrayBuffer> {
    this.#receive()
    if (bytes > MESSAGE_BYTES) return Buffer.allocUnsafeSlow(bytes)
    const spare = this.#spare.pop()
    return spare ? Buffer.from(spare) : Buffer.allocUnsafeSlow(MESSAGE_BYTES)
  }

  #receive(): void {
    for (;;) {
      const received: { message: ArrayBuffer } | undefined = receiveMessageOnPort(this.#port)
      if (!received) return
      if (this.#spare.length < MAX_SPARE) this.#spare.push(received.message)
      else release(Buffer.from(received.message))
    }
  }
}

/** Runs in the main thread: returns the memory of a message to the thread that sent it, or frees it. */
export function returnMemory(port: MessagePort, { buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength === MESSAGE_BYTES) port.postMessage(buffer, [buffer])
  else release(Buffer.from(buffer))
}
