import { type BootClock, systemBootClock } from './boot-clock.ts'
import { type Clock, isoTime } from './clock.ts'
import type { ClockNote } from './clock-note.ts'
import { printDuration } from './durations.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import { HOUR_MS } from './time-units.ts'
import {
  CLOCK_TOLERANCE_MS,
  type ClockDoubt,
  readTime,
  type TimeAnchor,
  type TimeReading,
  trustedTime,
} from './trusted-time.ts'

/** Stores the note. `load` returns undefined before the first note or if it cannot be read. */
export interface ClockMemory {
  load(): ClockNote | undefined
  save(note: ClockNote): void | Promise<void>
}

/** The clock of another machine that is not in doubt itself. */
export interface ClockWitness {
  nowMs: number
  bootId: string
}

export interface TrustedClockOptions {
  clock: Clock
  boot?: BootClock
  memory: ClockMemory
  log: Log
  /** What a clock in doubt means for the program, and what to do: it follows "…, expected …: ". */
  doubtText: string
  /** Called when the anchor or the problems may have changed. */
  onChange?(clock: TrustedClock): void
}

/** A clock in doubt whose difference stays the same for this long is trusted again. */
const STEADY_MS = 6 * HOUR_MS
/** How much of that must be since the last boot, so that time before it does not count for a changed clock. */
const STEADY_SINCE_BOOT_MS = HOUR_MS
export const CLOCK_TICK_MS = 10_000
const SAVE_INTERVAL_MS = 60_000
/** On a machine without a battery clock, NTP may set the clock until this long after boot. */
const AFTER_BOOT_MS = 15 * 60_000
/** Limit of steady time per tick, because unobserved time (a suspended machine) does not count. */
const MAX_TICK_MS = 6 * CLOCK_TICK_MS

/**
 * The time that retention can rely on: the last known time plus the time since. While the wall clock differs from it by
 * more than five minutes, the clock is in doubt, and ages are computed with the earlier of the two. Doubt ends when the
 * two agree again, when the clock of another machine agrees, after six steady hours, or by confirm().
 */
export class TrustedClock implements Clock {
  readonly #options: TrustedClockOptions
  readonly #boot: BootClock
  #anchor: TimeAnchor
  #gapMs: number
  #steadyMs: number
  #steadySinceBootMs = 0
  /** The note is from an earlier boot, so it is unknown how long the machine was off. */
  readonly #isNewBoot: boolean
  #tickedAt: number
  #savedAt = Number.NEGATIVE_INFINITY
  #isInDoubt = false
  #witnessGapMs = 0
  #cannotSave = false
  #saving: Promise<void> | undefined

  constructor(options: TrustedClockOptions) {
    this.#options = options
    this.#boot = options.boot ?? systemBootClock
    const bootMs = this.#boot.elapsedMs()
    const note = options.memory.load()
    // A restarted container may restart its uptime while it has the boot id of its host.
    const isSameBoot = note?.bootId === this.#boot.bootId && note.bootMs <= bootMs
    const offset = isSameBoot ? note.bootMs : 0
    this.#anchor = note
      ? { trustedMs: note.trustedMs, bootMs: offset }
      : { trustedMs: options.clock.now(), bootMs }
    this.#gapMs = note?.gapMs ?? 0
    this.#steadyMs = note?.steadyMs ?? 0
    this.#isNewBoot = note !== undefined && !isSameBoot
    this.#tickedAt = bootMs
    this.tick()
  }

  /** For child processes, which check their own clocks against it. */
  get anchor(): TimeAnchor {
    return this.#anchor
  }

  get bootId(): string {
    return this.#boot.bootId
  }

  get wallMs(): number {
    return this.#options.clock.now()
  }

  read(): TimeReading {
    return readTime(this.#anchor, {
      wallMs: this.#options.clock.now(),
      elapsedMs: this.#boot.elapsedMs(),
    })
  }

  /** The time to measure ages with. */
  now(): number {
    return this.read().nowMs
  }

  elapsed(): number {
    return this.#options.clock.elapsed()
  }

  after(ms: number, act: () => void): Disposable {
    return this.#options.clock.after(ms, act)
  }

  get doubt(): ClockDoubt | null {
    return this.read().doubt
  }

  /** What the time may be, unix ms: one, or in doubt the time of the wall clock and the trusted one. */
  get possibleTimes(): readonly number[] {
    const { nowMs, doubt } = this.read()
    return doubt ? [doubt.wallMs, doubt.trustedMs] : [nowMs]
  }

  /** The present problems, for the board. */
  get problems(): { key: string; text: string }[] {
    const { doubt } = this.read()
    if (doubt) return [{ key: 'doubt', text: this.#describe(doubt) }]
    if (Math.abs(this.#witnessGapMs) <= CLOCK_TOLERANCE_MS) return []
    const how = `${printDuration(Math.abs(this.#witnessGapMs))} ${this.#witnessGapMs > 0 ? 'ahead of' : 'behind'}`
    const text = `The clock of this machine is ${how} the clock of another machine: check NTP on both`
    return [{ key: 'differs', text }]
  }

  /** Compares the clocks; call it every CLOCK_TICK_MS. */
  tick(): void {
    const elapsed = this.#boot.elapsedMs()
    const passed = Math.min(elapsed - this.#tickedAt, MAX_TICK_MS)
    this.#tickedAt = elapsed
    const { doubt } = this.read()
    if (doubt) this.#tickInDoubt(doubt, passed)
    else this.#agree()
    this.#options.onChange?.(this)
  }

  /** Compares with the clock of another machine. One with our boot id shares our clock, so it proves nothing. */
  compareWith({ nowMs, bootId }: ClockWitness): void {
    if (bootId === this.#boot.bootId) return
    this.#witnessGapMs = this.#options.clock.now() - nowMs
    const agrees = Math.abs(this.#witnessGapMs) <= CLOCK_TOLERANCE_MS
    if (agrees && this.read().doubt) this.#accept('it agrees with the clock of another machine')
    this.#options.onChange?.(this)
  }

  /** The operator confirms that the wall clock is right. */
  confirm(): void {
    this.#accept('an operator confirmed it')
    this.#options.onChange?.(this)
  }

  /** Writes the note for the next start. Resolves when it is on disk or the write has failed. */
  async flush(): Promise<void> {
    this.#save(true)
    await this.#saving
  }

  #tickInDoubt(doubt: ClockDoubt, passed: number): void {
    this.#noteSteady(doubt, passed)
    if (this.#steadyMs >= STEADY_MS && this.#steadySinceBootMs >= STEADY_SINCE_BOOT_MS) {
      this.#accept('it has been steady for six hours')
      return
    }
    if (!this.#isInDoubt) this.#options.log.warn({ ...doubt }, this.#describe(doubt))
    this.#save(!this.#isInDoubt)
    this.#isInDoubt = true
  }

  /** Soon after boot, the clock may still be set, and the gap includes the time off: neither resets the steady time. */
  get #isSoonAfterBoot(): boolean {
    return this.#isNewBoot && this.#boot.elapsedMs() < AFTER_BOOT_MS
  }

  #noteSteady({ wallMs, trustedMs }: ClockDoubt, passed: number): void {
    const gapMs = wallMs - trustedMs
    if (Math.abs(gapMs - this.#gapMs) <= CLOCK_TOLERANCE_MS) {
      this.#steadyMs += passed
      this.#steadySinceBootMs += passed
      return
    }
    this.#gapMs = gapMs
    this.#steadySinceBootMs = 0
    if (!this.#isSoonAfterBoot) this.#steadyMs = 0
  }

  #agree(): void {
    if (this.#isInDoubt) {
      this.#accept('it agrees with the time since boot again')
      return
    }
    this.#follow()
    if (!this.#isSoonAfterBoot) this.#forgetDoubt()
    this.#save(false)
  }

  /** Trusts the wall clock from now on. */
  #accept(reason: string): void {
    this.#follow()
    this.#forgetDoubt()
    const now = new Date(this.#anchor.trustedMs)
    this.#options.log.info({ now }, `The clock is trusted: ${reason}`)
    this.#save(true)
  }

  #follow(): void {
    this.#anchor = { trustedMs: this.#options.clock.now(), bootMs: this.#boot.elapsedMs() }
  }

  #forgetDoubt(): void {
    this.#gapMs = 0
    this.#steadyMs = 0
    this.#steadySinceBootMs = 0
    this.#isInDoubt = false
  }

  /** Saves rarely, because a start within the same boot can compute the time since. */
  #save(isUrgent: boolean): void {
    const elapsed = this.#boot.elapsedMs()
    if (!isUrgent && elapsed - this.#savedAt < SAVE_INTERVAL_MS) return
    this.#savedAt = elapsed
    const trustedMs = Math.round(trustedTime(this.#anchor, elapsed))
    const note = { trustedMs, bootMs: elapsed, bootId: this.#boot.bootId }
    this.#saving = this.#write({ ...note, gapMs: this.#gapMs, steadyMs: this.#steadyMs })
  }

  #describe({ wallMs, trustedMs }: ClockDoubt): string {
    const what = `The clock says ${printTime(wallMs)}, expected ${printTime(trustedMs)}`
    return `${what}: ${this.#options.doubtText}`
  }

  async #write(note: ClockNote): Promise<void> {
    try {
      await this.#options.memory.save(note)
      this.#cannotSave = false
    } catch (error) {
      const problem = messageOf(error)
      const message = `Cannot save the trusted time: ${problem}. A wrong clock at the next start may go unnoticed`
      if (!this.#cannotSave) this.#options.log.error({ error: problem }, message)
      this.#cannotSave = true
    }
  }
}

/** Handles a clock so wrong that ISO 8601 cannot express it. */
function printTime(ms: number): string {
  return Number.isNaN(new Date(ms).getTime()) ? `${ms} ms since 1970` : isoTime(ms)
}
