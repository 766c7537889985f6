import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RepositoryKey } from '../codec/crypt.ts'
import { type OpenedRun, openRun, type SealedRun } from './open-run.ts'

const THREADS = Math.max(1, Math.min(3, availableParallelism()))
/** Up to this much in all, starting threads takes longer than to open it here. */
const NOT_WORTH_A_THREAD = 2 << 20

interface Task {
  resolve(opened: OpenedRun): void
  reject(error: unknown): void
}

/** Opens sealed blobs in threads, so that reading, opening and writing go on side by side. */
export class UnsealPool implements AsyncDisposable {
  private readonly key: RepositoryKey
  private readonly tasks = new Map<number, Task>()
  private threads: Worker[] = []
  private count = 0
  private bytes = 0
  private ended = false

  constructor(key: RepositoryKey) {
    this.key = key
  }

  async open(run: SealedRun): Promise<OpenedRun> {
    if (this.ended) throw new Error('the threads were ended')
    this.bytes += run.bytes.length
    if (this.bytes <= NOT_WORTH_A_THREAD) return openRun(this.key, run)
    if (this.threads.length === 0) this.start()
    const task = this.count++
    const thread = this.threads[task % this.threads.length] as Worker
    const own = ownMemory(run)
    return await new Promise((resolve, reject) => {
      this.tasks.set(task, { resolve, reject })
      thread.postMessage({ task, run: own }, [own.bytes.buffer as ArrayBuffer])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(new Error('the threads were ended'))
    await Promise.all(this.threads.map((thread) => thread.terminate()))
  }

  private start(): void {
    const entry = new URL(`./unseal-worker${extname(import.meta.url)}`, import.meta.url)
    this.threads = Array.from({ length: THREADS }, () => {
      const thread = new Worker(entry, { workerData: this.key })
      thread.on('message', ({ task, opened }: { task: number; opened: OpenedRun }) => {
        this.tasks.get(task)?.resolve(opened)
        this.tasks.delete(task)
      })
      thread.once('error', (error) => this.end(error))
      return thread
    })
  }

  private end(error: unknown): void {
    this.ended = true
    for (const { reject } of this.tasks.values()) reject(error)
    this.tasks.clear()
  }
}

/** Small buffers share their memory with others, which cannot go to another thread. */
function ownMemory(run: SealedRun): SealedRun {
  const { bytes } = run
  return bytes.length === bytes.buffer.byteLength ? run : { ...run, bytes: Uint8Array.from(bytes) }
}
