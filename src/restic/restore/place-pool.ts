import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Thread } from '../../lib/thread.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { type PlacedRun, placeRun, type SealedRun } from './place-run.ts'

const THREADS = Math.max(1, Math.min(3, availableParallelism()))
/** Up to this much in all, starting threads takes longer than to do it here. */
const NOT_WORTH_A_THREAD = 2 << 20

interface Lane {
  thread: Thread
  /** Bytes that it was given and has not answered for. */
  load: number
}

interface Task {
  lane: Lane
  bytes: number
  resolve(placed: PlacedRun): void
  reject(error: unknown): void
}

/** Opens sealed blobs and writes what is in them in threads, so that all of it goes on side by side. */
export class PlacePool implements AsyncDisposable {
  readonly #key: RepositoryKey
  readonly #tasks = new Map<number, Task>()
  #lanes: Lane[] = []
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
    if (this.#bytes <= NOT_WORTH_A_THREAD) return placeRun(this.#key, run)
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

  /** After it no thread writes any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Error('the threads were ended'))
    await Promise.all(this.#lanes.map(({ thread }) => thread.end()))
  }

  #start(): void {
    const entry = new URL(`./place-worker${extname(import.meta.url)}`, import.meta.url)
    this.#lanes = Array.from({ length: THREADS }, () => {
      const thread = new Thread(entry, this.#key)
      const { worker } = thread
      worker.on('message', (answer: { task: number; placed: PlacedRun }) => this.#hear(answer))
      worker.once('error', (error) => this.#end(error))
      worker.once('exit', () => this.#end(new Error('a thread ended by itself')))
      return { thread, load: 0 }
    })
  }

  #hear({ task: number, placed }: { task: number; placed: PlacedRun }): void {
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

/** Small buffers share their memory with others, which cannot go to another thread. */
function ownMemory(run: SealedRun): SealedRun {
  const { bytes } = run
  return bytes.length === bytes.buffer.byteLength ? run : { ...run, bytes: Uint8Array.from(bytes) }
}
