import { Readable } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { BackupdError, hasCode, messageOf } from '../lib/errors.ts'
import { CONTENT_PATIENCE_MS, type FileHead } from '../wire/file-content.ts'
import { newRid } from '../wire/ids.ts'
import type { RunSettings } from './plugin.ts'
import type { Runner, RunnerEvents } from './ports.ts'
import { fromRecordError } from './record-error.ts'

/** Each has a process of its own. */
const MAX_READS = 4
/** A read ends if neither the store gives nor the reader takes anything for this long, ms. */
const IDLE_MS = 60_000
/** The same until the first piece: an archive without an index is read from its start for it. */
const FIRST_PIECE_MS = CONTENT_PATIENCE_MS

export interface ContentReadsOptions {
  clock: Clock
  runner: Runner
  settings: RunSettings
  /** Receives what a child logs. */
  onLog: RunnerEvents['log']
}

/** A file that is being read. Destroy `content` to stop early. */
export interface ReadFile {
  head: FileHead
  content: Readable
}

/** Reads files of backups in child processes, as fast as their content is taken, in the memory of a few pieces. */
export class ContentReads {
  readonly #options: ContentReadsOptions
  readonly #open = new Set<ContentRead>()

  constructor(options: ContentReadsOptions) {
    this.#options = options
  }

  /** Resolves when the content begins to come. Throws OVERLOADED, what the action threw, or the reason of `late`. */
  async read(action: string, args: Record<string, unknown>, late: AbortSignal): Promise<ReadFile> {
    if (this.#open.size >= MAX_READS) throw tooManyReads()
    const read = new ContentRead(this.#options, action, args)
    this.#open.add(read)
    void read.ended.then(() => this.#open.delete(read))
    const stop = () => read.stop(late.reason)
    late.addEventListener('abort', stop, { once: true })
    if (late.aborted) stop()
    try {
      return { head: await read.head, content: read.content }
    } finally {
      late.removeEventListener('abort', stop)
    }
  }

  /** Ends all reads. */
  close(): void {
    const reason = new BackupdError('DAEMON_RESTARTED', 'The daemon is stopping')
    for (const read of this.#open) read.stop(reason)
  }
}

class ContentRead {
  readonly head: Promise<FileHead>
  readonly content: Readable
  /** Resolves when its process is free again. */
  readonly ended: Promise<void>
  readonly #stopping = new AbortController()
  readonly #clock: Clock
  #wanted = Promise.withResolvers<void>()
  #idle: Disposable | undefined
  #hasBegun = false

  constructor(
    { clock, runner, settings, onLog }: ContentReadsOptions,
    action: string,
    args: Record<string, unknown>,
  ) {
    this.#clock = clock
    const { promise, resolve, reject } = Promise.withResolvers<FileHead>()
    this.head = promise
    this.content = this.#makeStream()
    const begin = (head: FileHead) => {
      this.#hasBegun = true
      this.#watch(FIRST_PIECE_MS)
      resolve(head)
    }
    const output: RunnerEvents['output'] = { begin, write: (piece) => this.#write(piece) }
    const on: RunnerEvents = { progress() {}, warn() {}, log: onLog, announce: async () => {}, output }
    const { signal } = this.#stopping
    const task = { rid: newRid(clock.now()), jobId: '', action, args, settings, signal, locks: [] }
    const finish = (error: unknown) => {
      this.#idle?.[Symbol.dispose]()
      if (this.#hasBegun && error && !hasCode(error, 'CANCELLED'))
        onLog('warn', `The reading of a file broke off: ${messageOf(error)}`, { args })
      reject(error ?? new Error('the file was read without a beginning'))
      if (error) this.content.destroy(error as Error)
      else this.content.push(null)
    }
    this.ended = runner
      .run(task, on)
      .then((end) => finish('error' in end ? fromRecordError(end.error) : undefined), finish)
  }

  stop(reason: BackupdError): void {
    this.content.destroy(reason)
  }

  #makeStream(): Readable {
    const content = new Readable({
      read: () => this.#wanted.resolve(),
      destroy: (error, done) => {
        this.#stopping.abort(error ?? new BackupdError('CANCELLED', 'Nobody takes the rest of the file'))
        done(error)
      },
    })
    // Whoever reads it hears of it again.
    content.on('error', () => {})
    return content
  }

  async #write(piece: Uint8Array): Promise<void> {
    this.#watch()
    if (this.content.destroyed) return
    this.#wanted = Promise.withResolvers()
    if (!this.content.push(piece)) await this.#wanted.promise
    this.#watch()
  }

  #watch(idleMs = IDLE_MS): void {
    this.#idle?.[Symbol.dispose]()
    const seconds = idleMs / 1000
    const message = `Nothing of the file was read in ${seconds} s: check whether the store answers, and whether the reader takes it`
    this.#idle = this.#clock.after(idleMs, () => this.stop(new BackupdError('TIMED_OUT', message)))
  }
}

function tooManyReads(): BackupdError {
  const message = `${MAX_READS} files of backups are being read on this daemon. Wait until one of them ends, then ask again`
  return new BackupdError('OVERLOADED', message)
}
