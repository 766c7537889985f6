import { parentPort, Worker, type WorkerOptions, workerData } from 'node:worker_threads'

interface Started {
  start: unknown
  ending: SharedArrayBuffer
}

/**
 * A thread that is asked to end and never terminated, because Node aborts the whole process if it terminates a thread
 * that is creating a zstd context ("close before init", node_zlib.cc). The entry of the thread calls `serveThread`.
 */
export class Thread {
  readonly worker: Worker
  readonly #ending = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  readonly #ended: Promise<void>

  constructor(entry: URL, start: unknown, options: WorkerOptions = {}) {
    const started: Started = { start, ending: this.#ending }
    this.worker = new Worker(entry, { ...options, workerData: started })
    this.#ended = new Promise((resolve) => this.worker.once('exit', () => resolve()))
  }

  /** Resolves when the thread has ended, before its next piece of work. Replies that it waits for must still arrive. */
  async end(): Promise<void> {
    Atomics.store(new Int32Array(this.#ending), 0, 1)
    this.worker.postMessage(null)
    await this.#ended
  }
}

/** Thrown in a thread that is asked to end in the middle of its work. */
export class ThreadEnded extends Error {}

export interface ThreadWork<Start> {
  start: Start
  /** Call it between two pieces of work. Throws ThreadEnded if the thread has to end. */
  throwIfEnding(): void
  send(message: unknown, transfer?: ArrayBuffer[]): void
}

/** In a thread: passes each message to the function that `begin` returns, until the thread is asked to end. */
export function serveThread<Start, Message>(begin: (work: ThreadWork<Start>) => (message: Message) => void) {
  const port = parentPort
  if (!port) throw new Error('this file is the entry of a thread')
  const { start, ending } = workerData as Started
  const flag = new Int32Array(ending)
  const throwIfEnding = () => {
    if (Atomics.load(flag, 0) === 1) throw new ThreadEnded('the thread was asked to end')
  }
  const onMessage = begin({
    start: start as Start,
    throwIfEnding,
    send: (message, transfer) => port.postMessage(message, transfer),
  })
  port.on('message', (message: Message) => {
    try {
      throwIfEnding()
      onMessage(message)
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error
      port.close()
    }
  })
}
