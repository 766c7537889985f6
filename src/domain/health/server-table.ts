import type { JudgingClock } from './judging-clock.ts'

/** What is known of a daemon that matters for its jobs. */
export interface ServerFacts {
  /** Of schedules that name none; null if it was never reported. */
  zone: string | null
  isStopped: boolean
  /** Its clock minus ours, ms; 0 if the difference is within the tolerance. */
  clockOffsetMs: number
  /** Its backups are verified on a schedule: not on S3 without a budget. */
  verifies: boolean
}

const NOTHING_KNOWN: ServerFacts = { zone: null, isStopped: false, clockOffsetMs: 0, verifies: true }
/** A time this much ahead of ours is not believed. */
const TOLERANCE_MS = 5 * 60_000
/** The offset is known to some seconds: a run may not seem to end before the planned time that started it. */
const OFFSET_ERROR_MS = 60_000

/** The facts of each server's daemon, by the address of the server. */
export class ServerTable {
  readonly #clock: JudgingClock
  readonly #facts = new Map<string, ServerFacts>()

  constructor(clock: JudgingClock) {
    this.#clock = clock
  }

  /** Returns what was known before. */
  replace(server: string, facts: ServerFacts): ServerFacts {
    const before = this.#read(server)
    this.#facts.set(server, facts)
    return before
  }

  readZone(server: string): string | null {
    return this.#read(server).zone
  }

  verifies(server: string): boolean {
    return this.#read(server).verifies
  }

  readClockOffset(server: string): number {
    return this.#read(server).clockOffsetMs
  }

  /** Converts a time that a daemon reports to our own clock: its clock may be hours wrong. Never far in the future. */
  readTime(server: string, time: string | number | null): number {
    const now = this.#clock.now()
    const told = typeof time === 'number' ? time : Date.parse(time ?? '')
    if (Number.isNaN(told)) return now
    const { clockOffsetMs } = this.#read(server)
    const own = clockOffsetMs === 0 ? told : told - clockOffsetMs + OFFSET_ERROR_MS
    return own > now + TOLERANCE_MS || clockOffsetMs !== 0 ? Math.min(own, now) : own
  }

  #read(server: string): ServerFacts {
    return this.#facts.get(server) ?? NOTHING_KNOWN
  }
}
