import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Thread } from '../../lib/thread.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { type PlacedRun, placeRun, type SealedRun } from './place-run.ts'

const THREADS = Math.max(1, Math.min(3, availableParallelism()))
/** Up to this total, starting threads would take longer than working in this thread. */
const MIN_BYTES_FOR_THREADS = 2 << 20

interface PlaceLane {
  thread: Thread
  /** Bytes of its unfinished tasks. */
  load: number
}

interface Task {
  lane: PlaceLane
  bytes: number
  resolve(placed: PlacedRun): void
  reject(error: unknown): void
}

/** Decrypts sealed blobs and writes their content in threads, in parallel. */
export class PlacePool implements AsyncDisposable {
  readonly #key: RepositoryKey
  readonly #tasks = new Map<number, Task>()
  #lanes: PlaceLane[] = []
  #count = 0
  #bytes = 0
  #ended: { why: unknown } | undefined

  constructor(key: RepositoryKey) {
    this.#key = key
  }

  /** The files stay open until it resolves, or the pool is disposed of. */
  async place(run: SealedRun): Promise<PlacedRun> {
    if (this.#ended) throw this.#ended.why
    this.#bytes += run.bytes.length
    if (this.#bytes <= MIN_BYTES_FOR_THREADS) return placeRun(this.#key, run)
    if (this.#lanes.length === 0) this.#start()
    const lane = this.#lanes.reduce((a, b) => (b.load < a.load ? b : a))
    const own = ownMemory(run)
    const { length } = own.bytes
    lane.load += length
    const task = this.#count++
    return await new Promise((resolve, reject) => {
      this.#tasks.set(task, { lane, bytes: length, resolve, reject })
      lane.thread.worker.postMessage({ task, run: own }, [own.bytes.buffer as ArrayBuffer])
    })
  }

  /** No thread writes any more after this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Error('the threads were ended'))
    await Promise.all(this.#lanes.map(({ thread }) => thread.end()))
  }

  #start(): void {
    const entry = new URL(`./place-worker${extname(import.meta.url)}`, import.meta.url)
    this.#lanes = Array.from({ length: THREADS }, () => {
      const thread = new Thread(entry, this.#key)
      const { worker } = thread
      worker.on('message', (answer: { task: number; placed: PlacedRun }) => this.#receive(answer))
      worker.once('error', (error) => this.#end(error))
      worker.once('exit', () => this.#end(new Error('a thread ended unexpectedly')))
      return { thread, load: 0 }
    })
  }

  #receive({ task: number, placed }: { task: number; placed: PlacedRun }): void {
    const task = this.#tasks.get(number)
    if (!task) return
    this.#tasks.delete(number)
    task.lane.load -= task.bytes
    task.resolve(placed)
  }

  #end(error: unknown): void {
    this.#ended ??= { why: error }
    for (const { reject } of this.#tasks.values()) reject(error)
    this.#tasks.clear()
  }
}

/** Copies a buffer that shares its memory with others, because shared memory cannot be transferred to a thread. */
function ownMemory(run: SealedRun): SealedRun {
  const { bytes } = run
  return bytes.length === bytes.buffer.byteLength ? run : { ...run, bytes: Uint8Array.from(bytes) }
}
