import { rmSync } from 'node:fs'
import { open, rename, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import { DISK_SOURCE, type Problems } from './problems.ts'

export interface DataRoomOptions {
  /** The data directory of the daemon or of the controller. */
  dir: string
  clock: Clock
  log: Log
  problems: Problems
}

const MIB = 1024 * 1024
/** With less, no new backup starts: what is left is for what makes room, and for what must be written down. */
export const MIN_FREE_BYTES = 64 * MIB
/** Less than this is no room at all: the reserve is given back. */
const NONE_BYTES = MIB
const RESERVE_BYTES = 8 * MIB
/** With more free bytes no reserve is needed yet. */
const PLENTY_BYTES = 4096 * MIB
const LOOK_MS = 1000
const SAY_AGAIN_MS = 10 * 60_000
/** A write that failed counts for so long, whatever the file system says it has left: a quota may be behind it. */
const FAILED_MS = 60_000
const KEY = 'data'

/**
 * Watches the room under a data directory. While there is too little, `isFull` holds, /healthz is 503 with the reason
 * (a fatal problem on the board), and the log says so once and then every ten minutes. A file keeps some room in
 * reserve, which is given back when nothing else is left, so that expiring, deleting, cancelling and recovering can
 * still be written down.
 */
export class DataRoom {
  readonly #options: DataRoomOptions
  readonly #reserve: string
  #reserved = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #saidAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: DataRoomOptions) {
    this.#options = options
    this.#reserve = join(options.dir, 'reserve')
  }

  /** Looks now and then each second, until it is closed. */
  static async open(options: DataRoomOptions): Promise<DataRoom> {
    const room = new DataRoom(options)
    await room.#recallReserve()
    await room.look()
    room.#timer = setInterval(() => {
      room.#looking = room.#looking.then(() => room.look())
    }, LOOK_MS).unref()
    return room
  }

  get isFull(): boolean {
    return this.#options.problems.has(DISK_SOURCE, KEY)
  }

  /** A write failed, since the disk is full. */
  reportFull(): void {
    this.#failedAt = performance.now()
    this.#release()
    this.#full('a write failed, since there is no room')
  }

  async look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#options.dir)
      await this.#judge(bavail * bsize)
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, `Cannot read the room under ${this.#options.dir}`)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  async #judge(free: number): Promise<void> {
    if (free < NONE_BYTES) this.#release()
    if (free + this.#reserved < MIN_FREE_BYTES) this.#full(`${Math.floor(free / MIB)} MiB are left`)
    else if (performance.now() - this.#failedAt >= FAILED_MS) this.#hasRoom()
    if (free >= 2 * RESERVE_BYTES && free < PLENTY_BYTES && this.#reserved === 0) await this.#fillReserve()
  }

  #full(why: string): void {
    const { dir, problems, log } = this.#options
    const text = `The disk of the data directory ${dir} is full: ${why}. No new backup starts until ${MIN_FREE_BYTES / MIB} MiB are free. Free some room, or shorten a retention time`
    problems.report({ source: DISK_SOURCE, key: KEY, text, isFatal: true })
    if (performance.now() - this.#saidAt < SAY_AGAIN_MS) return
    this.#saidAt = performance.now()
    log.error({ dir }, text)
  }

  #hasRoom(): void {
    const { dir, problems, log } = this.#options
    if (!problems.clear(DISK_SOURCE, KEY)) return
    this.#saidAt = Number.NEGATIVE_INFINITY
    log.info({ dir }, `The disk of the data directory ${dir} has room again: backups start again`)
  }

  async #recallReserve(): Promise<void> {
    const file = await open(this.#reserve, 'r').catch(() => undefined)
    this.#reserved = (await file?.stat())?.size ?? 0
    await file?.close()
  }

  /** At once: the write that needs it is tried again right after. */
  #release(): void {
    rmSync(this.#reserve, { force: true })
    this.#reserved = 0
  }

  /** Not sparse, and there whole or not at all. */
  async #fillReserve(): Promise<void> {
    const part = `${this.#reserve}.part`
    try {
      await using file = await open(part, 'w', 0o600)
      for (let at = 0; at < RESERVE_BYTES; at += MIB)
        await file.write(Buffer.alloc(MIB, 'reserve '), 0, MIB, at)
      await rename(part, this.#reserve)
      this.#reserved = RESERVE_BYTES
    } catch {
      await unlink(part).catch(() => {})
    }
  }
}
