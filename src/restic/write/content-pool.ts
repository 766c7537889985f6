import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Thread } from '../../lib/thread.ts'
import type { PackedBlob, PackWriter, Repository } from '../repository/repository.ts'
import {
  ANSWERS_LENGTH,
  type AskMessage,
  type BlobsMessage,
  type ContentJob,
  type ContentStart,
  type DoneMessage,
  type FromWorker,
  type SealedBlob,
  splitIds,
} from './content-messages.ts'
import { returnMemory } from './message-memory.ts'

export interface Content {
  /** The ids of its chunks, in order; null if it is left out. */
  ids: Buffer[] | null
  /** What is wrong with it, in words. */
  fault: string | undefined
  /** The memory of small files, which the thread no longer uses. */
  memory?: Uint8Array<ArrayBuffer> | undefined
}

export interface ContentPoolOptions {
  repository: Repository
  packs: PackWriter
  /** How many threads; default: one for each core, at most MAX_WORKERS. */
  workers: number | undefined
  /** Called with the size of each piece of content that was read. */
  onBytes(bytes: number): void
}

const MAX_WORKERS = 8
/** Jobs that may wait for a thread. */
const MAX_WAITING = 2
/** If more blobs than this are not written yet, threads wait for the disk. */
const MAX_UNWRITTEN_BYTES = 16 * 1024 * 1024
/** Small, so that garbage is collected often: ciphers hold native memory that the garbage collector does not count. */
const YOUNG_GENERATION_MIB = 12
/** The memory that a blob needs besides its content while it is not written yet. */
const BLOB_OVERHEAD_BYTES = 2048

interface PooledJob {
  content: ContentJob
  done: PromiseWithResolvers<Content>
}

interface ContentLane {
  thread: Thread
  returns: MessagePort
  flag: Int32Array
  wanted: Uint8Array
  job: PooledJob | undefined
}

/** Threads that turn the content of files into blobs. Each blob is added to a pack once. */
export class ContentPool {
  readonly #options: ContentPoolOptions
  readonly #lanes: ContentLane[] = []
  readonly #maxLanes: number
  readonly #waiting: PooledJob[] = []
  #unwritten = 0
  /** Answers that are held back until blobs are written. */
  #held: (() => void)[] = []
  #room: PromiseWithResolvers<void> | undefined
  #failure: { error: unknown } | undefined

  constructor(options: ContentPoolOptions) {
    this.#options = options
    this.#maxLanes = options.workers ?? Math.min(availableParallelism(), MAX_WORKERS)
  }

  /** Runs a job. The caller keeps the descriptor of a file, but must not use the memory of small files any more. */
  run(content: PooledJob['content']): Promise<Content> {
    const done = Promise.withResolvers<Content>()
    if (this.#failure) done.reject(this.#failure.error)
    else this.#waiting.push({ content, done })
    this.#assignJobs()
    return done.promise
  }

  /** Await the result before each job; undefined if there is room. Throws the error that made the pool fail. */
  room(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    if (this.#waiting.length < MAX_WAITING) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Ends the threads, also in the middle of a job, before their next piece. */
  async close(): Promise<void> {
    this.#fail(new Error('the threads were ended'))
    const ending = this.#lanes.map(({ thread }) => thread.end())
    this.#sendHeld()
    await Promise.all(ending)
  }

  #assignJobs(): void {
    while (this.#waiting.length > 0) {
      const lane = this.#lanes.find((one) => !one.job) ?? this.#startLane()
      if (!lane) return
      const job = this.#waiting.shift()
      lane.job = job
      if (job) send(lane.thread, job.content)
    }
    this.#releaseRoom()
  }

  #releaseRoom(): void {
    if (!this.#failure && this.#waiting.length >= MAX_WAITING) return
    this.#room?.resolve()
    this.#room = undefined
  }

  #startLane(): ContentLane | undefined {
    if (this.#lanes.length >= this.#maxLanes) return undefined
    const answers = new SharedArrayBuffer(ANSWERS_LENGTH)
    const { port1, port2 } = new MessageChannel()
    const { key, polynomial } = this.#options.repository
    const start: ContentStart = { key, polynomial, answers, returns: port2 }
    const entry = new URL(`./content-worker${extname(import.meta.url)}`, import.meta.url)
    const thread = new Thread(entry, start, {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
      transferList: [port2],
    })
    const lane: ContentLane = {
      thread,
      returns: port1,
      flag: new Int32Array(answers, 0, 1),
      wanted: new Uint8Array(answers, 4),
      job: undefined,
    }
    const { worker } = thread
    worker.on('message', (message: FromWorker) => this.#receive(lane, message))
    worker.on('error', (error) => this.#fail(error))
    worker.on('exit', () => this.#fail(new Error('a thread ended unexpectedly')))
    this.#lanes.push(lane)
    return lane
  }

  #receive(lane: ContentLane, message: FromWorker): void {
    if (message.kind === 'ask') this.#whenWritten(() => this.#answer(lane, message))
    else if (message.kind === 'done') this.#finish(lane, message)
    else if (!this.#failure) this.#write(lane, message)
  }

  #finish(lane: ContentLane, { ids, fault, memory }: DoneMessage): void {
    const { job } = lane
    lane.job = undefined
    job?.done.resolve({ ids: ids && splitIds(Buffer.from(ids)), fault, memory })
    this.#assignJobs()
  }

  #answer({ flag, wanted }: ContentLane, { ids, bytes }: AskMessage): void {
    this.#options.onBytes(bytes)
    for (const [at, id] of splitIds(Buffer.from(ids)).entries())
      wanted[at] = this.#options.packs.claim('data', id) ? 1 : 0
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
  }

  #write({ returns }: ContentLane, { blobs, ids, bytes }: BlobsMessage): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    const packed = splitIds(Buffer.from(ids)).map((id, place): PackedBlob => {
      const { length, plainLength, compressed } = blobs[place] as SealedBlob
      at += length
      return { type: 'data', id, sealed: all.subarray(at - length, at), plainLength, compressed }
    })
    void this.#put(packed, all.length).then(() => returnMemory(returns, bytes))
  }

  async #put(blobs: PackedBlob[], bytes: number): Promise<void> {
    const weight = bytes + blobs.length * BLOB_OVERHEAD_BYTES
    this.#unwritten += weight
    try {
      await this.#options.packs.addClaimed('data', blobs)
      this.#wrote(weight)
    } catch (error) {
      this.#fail(error)
    }
  }

  #wrote(bytes: number): void {
    this.#unwritten -= bytes
    if (this.#unwritten <= MAX_UNWRITTEN_BYTES) this.#sendHeld()
  }

  #whenWritten(answer: () => void): void {
    if (this.#unwritten > MAX_UNWRITTEN_BYTES && !this.#failure) this.#held.push(answer)
    else answer()
  }

  #sendHeld(): void {
    for (const answer of this.#held.splice(0)) answer()
  }

  #fail(error: unknown): void {
    if (this.#failure) return
    this.#failure = { error }
    for (const { job } of this.#lanes) job?.done.reject(error)
    for (const { done } of this.#waiting.splice(0)) done.reject(error)
    this.#releaseRoom()
  }
}

function send({ worker }: Thread, job: ContentJob): void {
  worker.postMessage(job, job.kind === 'small' ? [job.data.buffer] : [])
}
