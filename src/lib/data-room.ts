import { rmSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceAtomically } from './atomic-file.ts'
import type { Clock } from './clock.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import type { Problems } from './problems.ts'

export interface DataRoomOptions {
  /** The data directory of the program. */
  dir: string
  clock: Clock
  log: Log
  problems: Problems
  texts: DataRoomTexts
}

/** The parts of the problem that only the program can word. */
export interface DataRoomTexts {
  /** What stops while there is too little room: "No new … starts". */
  stops: string
  /** What goes on after it: "… start again". */
  resumes: string
  remedy: string
}

/** The source of the problem; what must not start meanwhile looks for it. */
export const DISK_SOURCE = 'disk'

const MIB = 1024 * 1024
/** With less, there is too little: the rest is for what frees room, and for notes about it. */
export const MIN_FREE_BYTES = 64 * MIB
/** With less, the reserve is freed. */
const EXHAUSTED_BYTES = MIB
const RESERVE_BYTES = 8 * MIB
/** With more, no reserve is created. */
const MAX_FREE_FOR_RESERVE_BYTES = 4096 * MIB
const CHECK_INTERVAL_MS = 1000
const LOG_INTERVAL_MS = 10 * 60_000
/** A write that failed though the file system reported room counts for this long, because a quota may be the cause. */
const FAILED_WRITE_MS = 60_000
const KEY = 'data'

/**
 * Watches the free room under a data directory. While there is too little, `isFull` is true, /healthz answers 503 with
 * the reason (a fatal problem), and the log repeats it every ten minutes. A reserve file keeps some room and is deleted
 * when nothing else is left, so that what frees room can still be noted.
 */
export class DataRoom {
  readonly #options: DataRoomOptions
  readonly #reserve: string
  #reserved = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #isMeasuredFull = false
  #loggedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #checking: Promise<void> = Promise.resolve()

  constructor(options: DataRoomOptions) {
    this.#options = options
    this.#reserve = join(options.dir, 'reserve')
  }

  /** Checks now and then every second, until it is closed. */
  static async open(options: DataRoomOptions): Promise<DataRoom> {
    const room = new DataRoom(options)
    await room.#readReserve()
    await room.check()
    room.#timer = setInterval(() => {
      room.#checking = room.#checking.then(() => room.check())
    }, CHECK_INTERVAL_MS).unref()
    return room
  }

  get isFull(): boolean {
    return this.#options.problems.has(DISK_SOURCE, KEY)
  }

  /** Call it after a write failed on a full disk. */
  reportFull(): void {
    if (!this.#isMeasuredFull) this.#failedAt = this.#options.clock.elapsed()
    this.#release()
    this.#full('a write failed for lack of room')
  }

  /** Measures the free room, and reports or clears the problem. */
  async check(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#options.dir)
      await this.#update(bavail * bsize)
    } catch (error) {
      this.#options.log.warn(
        { error: messageOf(error) },
        `Cannot measure the free room under ${this.#options.dir}`,
      )
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#checking
  }

  async #update(free: number): Promise<void> {
    if (free < EXHAUSTED_BYTES) this.#release()
    this.#isMeasuredFull = free + this.#reserved < MIN_FREE_BYTES
    if (this.#isMeasuredFull) this.#measuredFull(free)
    else if (this.#options.clock.elapsed() - this.#failedAt >= FAILED_WRITE_MS) this.#hasRoom()
    if (free >= 2 * RESERVE_BYTES && free < MAX_FREE_FOR_RESERVE_BYTES && this.#reserved === 0)
      await this.#fillReserve()
  }

  /** This explains a write that failed, so what the file system reports is believed again. */
  #measuredFull(free: number): void {
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.#full(`${Math.floor(free / MIB)} MiB are left`)
  }

  #full(why: string): void {
    const { dir, problems, log, texts } = this.#options
    const until = `${texts.stops} until ${MIN_FREE_BYTES / MIB} MiB are free. ${texts.remedy}`
    const text = `The disk of the data directory ${dir} is full: ${why}. ${until}`
    problems.report({ source: DISK_SOURCE, key: KEY, text, isFatal: true })
    if (this.#options.clock.elapsed() - this.#loggedAt < LOG_INTERVAL_MS) return
    this.#loggedAt = this.#options.clock.elapsed()
    log.error({ dir }, text)
  }

  #hasRoom(): void {
    const { dir, problems, log, texts } = this.#options
    if (!problems.clear(DISK_SOURCE, KEY)) return
    this.#loggedAt = Number.NEGATIVE_INFINITY
    log.info({ dir }, `The disk of the data directory ${dir} has room again: ${texts.resumes}`)
  }

  async #readReserve(): Promise<void> {
    const file = await open(this.#reserve, 'r').catch(() => undefined)
    this.#reserved = (await file?.stat())?.size ?? 0
    await file?.close()
  }

  /** Synchronous, because the write that needs the room is tried again right after. */
  #release(): void {
    rmSync(this.#reserve, { force: true })
    this.#reserved = 0
  }

  /** Writes the reserve, not sparse, and renames it, so that it exists completely or not at all. */
  async #fillReserve(): Promise<void> {
    try {
      await replaceAtomically(this.#reserve, `${this.#reserve}.part`, async (part) => {
        await using file = await open(part, 'w', 0o600)
        for (let at = 0; at < RESERVE_BYTES; at += MIB)
          await file.write(Buffer.alloc(MIB, 'reserve '), 0, MIB, at)
      })
      this.#reserved = RESERVE_BYTES
    } catch {
      // Without room for it there is no reserve; it is tried again.
    }
  }
}
