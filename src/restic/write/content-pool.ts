import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { release } from '../../lib/release.ts'
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
  ID_LENGTH,
  idsIn,
  type SealedBlob,
} from './content-messages.ts'

export interface Content {
  /** The ids of its pieces, in order; null where it is left out. */
  ids: Buffer[] | null
  /** What is wrong with it, in words. */
  fault: string | undefined
}

export interface ContentPoolOptions {
  repository: Repository
  packs: PackWriter
  /** How many threads; one for each core by default. */
  workers: number | undefined
  /** Content that was read, a piece at a time. */
  onBytes(bytes: number): void
}

const MOST_WORKERS = 8
/** Jobs that wait for a thread: more are not taken. */
const WAITING_MOST = 2
/** Bytes of blobs that are not written yet: threads wait for the disk above this. */
const UNWRITTEN_MOST = 16 * 1024 * 1024
/** What threads leave behind is small and soon dead; ciphers hold memory that the garbage collection does not see. */
const YOUNG_MIB = 12
/** What a blob weighs besides its bytes while it is not written. */
const BLOB_BURDEN = 2048

interface Job {
  content: ContentJob
  done: PromiseWithResolvers<Content>
}

interface Lane {
  thread: Thread
  flag: Int32Array
  wanted: Uint8Array
  job: Job | undefined
}

/** Threads that turn the content of files into blobs, each of which is put into a pack once. */
export class ContentPool {
  readonly #options: ContentPoolOptions
  readonly #lanes: Lane[] = []
  readonly #most: number
  readonly #waiting: Job[] = []
  #unwritten = 0
  /** Answers that wait until blobs are written. */
  #held: (() => void)[] = []
  #room: PromiseWithResolvers<void> | undefined
  #failure: { error: unknown } | undefined

  constructor(options: ContentPoolOptions) {
    this.#options = options
    this.#most = options.workers ?? Math.min(availableParallelism(), MOST_WORKERS)
  }

  /** A descriptor stays the caller's; memory of small files is taken over. */
  run(content: Job['content']): Promise<Content> {
    const done = Promise.withResolvers<Content>()
    if (this.#failure) done.reject(this.#failure.error)
    else this.#waiting.push({ content, done })
    this.#deal()
    return done.promise
  }

  /** Wait for what it gives before each job: there is room. Throws what made the pool fail. */
  room(): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    if (this.#waiting.length < WAITING_MOST) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Ends the threads, in the middle of their work too: each before its next piece. */
  async close(): Promise<void> {
    this.#fail(new Error('the threads were ended'))
    const ending = this.#lanes.map(({ thread }) => thread.end())
    this.#tellHeld()
    await Promise.all(ending)
  }

  #deal(): void {
    while (this.#waiting.length > 0) {
      const lane = this.#lanes.find((one) => !one.job) ?? this.#anotherLane()
      if (!lane) return
      const job = this.#waiting.shift()
      lane.job = job
      if (job) send(lane.thread, job.content)
    }
    this.#tellRoom()
  }

  #tellRoom(): void {
    if (!this.#failure && this.#waiting.length >= WAITING_MOST) return
    this.#room?.resolve()
    this.#room = undefined
  }

  #anotherLane(): Lane | undefined {
    if (this.#lanes.length >= this.#most) return undefined
    const answers = new SharedArrayBuffer(ANSWERS_LENGTH)
    const { key, polynomial } = this.#options.repository
    const start: ContentStart = { key, polynomial, answers }
    const entry = new URL(`./content-worker${extname(import.meta.url)}`, import.meta.url)
    const thread = new Thread(entry, start, {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    })
    const lane: Lane = {
      thread,
      flag: new Int32Array(answers, 0, 1),
      wanted: new Uint8Array(answers, 4),
      job: undefined,
    }
    const { worker } = thread
    worker.on('message', (message: FromWorker) => this.#hear(lane, message))
    worker.on('error', (error) => this.#fail(error))
    worker.on('exit', () => this.#fail(new Error('a thread ended by itself')))
    this.#lanes.push(lane)
    return lane
  }

  #hear(lane: Lane, message: FromWorker): void {
    if (message.kind === 'ask') this.#whenWritten(() => this.#answer(lane, message))
    else if (message.kind === 'done') this.#finish(lane, message)
    else if (!this.#failure) this.#write(message)
  }

  #finish(lane: Lane, { ids, fault }: DoneMessage): void {
    const { job } = lane
    lane.job = undefined
    job?.done.resolve({ ids: ids && idsIn(Buffer.from(ids)), fault })
    this.#deal()
  }

  #answer({ flag, wanted }: Lane, { ids, bytes }: AskMessage): void {
    this.#options.onBytes(bytes)
    for (const [at, id] of idsIn(Buffer.from(ids)).entries())
      wanted[at] = this.#options.packs.claim('data', id) ? 1 : 0
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
  }

  #write({ blobs, bytes }: BlobsMessage): void {
    const all = Buffer.from(bytes.buffer)
    let at = blobs.length * ID_LENGTH
    const ids = idsIn(Buffer.from(all.subarray(0, at)))
    const packed = ids.map((id, place): PackedBlob => {
      const { length, plainLength, compressed } = blobs[place] as SealedBlob
      at += length
      return { type: 'data', id, sealed: all.subarray(at - length, at), plainLength, compressed }
    })
    void this.#put(packed, all.length).then(() => release(all))
  }

  async #put(blobs: PackedBlob[], bytes: number): Promise<void> {
    const burden = bytes + blobs.length * BLOB_BURDEN
    this.#unwritten += burden
    try {
      await this.#options.packs.addClaimed('data', blobs)
      this.#wrote(burden)
    } catch (error) {
      this.#fail(error)
    }
  }

  #wrote(bytes: number): void {
    this.#unwritten -= bytes
    if (this.#unwritten <= UNWRITTEN_MOST) this.#tellHeld()
  }

  #whenWritten(answer: () => void): void {
    if (this.#unwritten > UNWRITTEN_MOST && !this.#failure) this.#held.push(answer)
    else answer()
  }

  #tellHeld(): void {
    for (const answer of this.#held.splice(0)) answer()
  }

  #fail(error: unknown): void {
    if (this.#failure) return
    this.#failure = { error }
    for (const { job } of this.#lanes) job?.done.reject(error)
    for (const { done } of this.#waiting.splice(0)) done.reject(error)
    this.#tellRoom()
  }
}

function send({ worker }: Thread, job: ContentJob): void {
  worker.postMessage(job, job.kind === 'small' ? [job.data.buffer] : [])
}
