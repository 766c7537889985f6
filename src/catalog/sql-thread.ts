import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { SqlResultSet } from '@prisma/driver-adapter-utils'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { type SqlFailure, type SqlValue, toAdapterError } from './sql-values.ts'

export interface SqlThreadStart {
  file: string
  readonly: boolean
}

export interface SqlRequest {
  kind: 'read' | 'write' | 'script'
  sql: string
  args: SqlValue[]
}

export type SqlReply = { value: unknown } | { failure: SqlFailure }

const ENTRY = new URL(`./sql-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * A connection in a thread of its own, because SQLite blocks: a commit waits for the disk, a count for all its pages.
 * If the thread ends on its own, all requests fail with CATALOG_UNUSABLE; if it runs out of memory in the middle of an
 * answer, Node ends the process. An idle thread does not keep the process alive.
 */
export class SqlThread {
  readonly #file: string
  readonly #worker: Worker
  readonly #ended: Promise<void>
  /** Requests without an answer, in their order, which is that of the answers. */
  readonly #waiting: PromiseWithResolvers<unknown>[] = []
  readonly #onLost: (error: BackupdError) => void
  #isClosing = false
  #lost: BackupdError | undefined

  /** @param onLost called once if the thread ends on its own */
  constructor(start: SqlThreadStart, onLost: (error: BackupdError) => void, entry = ENTRY) {
    this.#file = start.file
    this.#onLost = onLost
    this.#worker = new Worker(entry, { workerData: start, execArgv: [] })
    this.#worker.on('message', (reply: SqlReply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#lose(messageOf(error)))
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#lose(`it exited with code ${code}`)
        resolve()
      })
    })
    this.#worker.unref()
  }

  /** Rejects with the error of SQLite as Prisma expects it. */
  read(sql: string, args: SqlValue[]): Promise<SqlResultSet> {
    return this.#request({ kind: 'read', sql, args }) as Promise<SqlResultSet>
  }

  /** @returns how many rows it changed */
  write(sql: string, args: SqlValue[]): Promise<number> {
    return this.#request({ kind: 'write', sql, args }) as Promise<number>
  }

  async runScript(sql: string): Promise<void> {
    await this.#request({ kind: 'script', sql, args: [] })
  }

  /** Answers the requests made so far, then closes the connection. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#worker.ref()
    this.#worker.postMessage(null)
    await this.#ended
  }

  async #request(request: SqlRequest): Promise<unknown> {
    if (this.#lost) throw this.#lost
    this.#worker.postMessage(request)
    const waiting = Promise.withResolvers<unknown>()
    if (this.#waiting.push(waiting) === 1) this.#worker.ref()
    return await waiting.promise
  }

  #settle(reply: SqlReply): void {
    const waiting = this.#waiting.shift()
    if (this.#waiting.length === 0 && !this.#isClosing) this.#worker.unref()
    if ('value' in reply) waiting?.resolve(reply.value)
    else waiting?.reject(toAdapterError(reply.failure))
  }

  #lose(reason: string): void {
    if (this.#lost) return
    this.#lost = makeLostError(this.#file, reason)
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#lost)
    if (!this.#isClosing) this.#onLost(this.#lost)
  }
}

function makeLostError(file: string, reason: string): BackupdError {
  const message = `The catalog database ${file} cannot be used: its thread has ended (${reason}). What was reported as stored is on disk. Restart the controller`
  return new BackupdError('CATALOG_UNUSABLE', message)
}
