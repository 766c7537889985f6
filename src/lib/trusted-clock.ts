import { type BootClock, systemBootClock } from './boot-clock.ts'
import { type Clock, isoTime } from './clock.ts'
import type { ClockNote } from './clock-note.ts'
import { printDuration } from './durations.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import {
  CLOCK_TOLERANCE_MS,
  type ClockDoubt,
  readTime,
  type TimeAnchor,
  type TimeReading,
  trustedTime,
} from './trusted-time.ts'

/** Keeps the note. `load` answers undefined before the first note, or if it cannot be read. */
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
  /** Called when the anchor or the problems may have changed. */
  onChange?(clock: TrustedClock): void
}

/** A wrong clock that stays as it is for so long is taken for right. */
const STEADY_MS = 6 * 3_600_000
/** So much of it without a restart of the machine, so that an old sum does not vouch for a new clock. */
const STEADY_SINCE_BOOT_MS = 3_600_000
export const CLOCK_TICK_MS = 10_000
const SAVE_EVERY_MS = 60_000
/** So long after the start of a machine without a battery clock, NTP may still set it. */
const BOOT_SETTLE_MS = 15 * 60_000
/** Time between two ticks that is not observed (a sleeping machine) is not steady time. */
const MAX_TICK_MS = 6 * CLOCK_TICK_MS

/**
 * The time that retention may rely on: the last known time plus the time since boot. While the wall clock differs from
 * it by more than five minutes the clock is in doubt, and ages are computed by the smaller of the two. Doubt ends when
 * the clocks agree again, when another machine's clock agrees, after six steady hours, or by confirm().
 */
export class TrustedClock implements Clock {
  readonly #options: TrustedClockOptions
  readonly #boot: BootClock
  #anchor: TimeAnchor
  #gapMs: number
  #steadyMs: number
  #steadySinceBootMs = 0
  /** The note is of an earlier boot: how long the machine was off is not known. */
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
    // A restarted container can count its uptime anew under the boot id of its host.
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

  /** For children: they read their own clocks against it. */
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

  /** The time to age things by. */
  now(): number {
    return this.read().nowMs
  }

  get doubt(): ClockDoubt | null {
    return this.read().doubt
  }

  /** What an operator must know, for the board of problems. */
  get problems(): { key: string; text: string }[] {
    const { doubt } = this.read()
    if (doubt) return [{ key: 'doubt', text: describeDoubt(doubt) }]
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

  /** Another machine tells its time. One with our boot id shares our clock, and proves nothing. */
  hear({ nowMs, bootId }: ClockWitness): void {
    if (bootId === this.#boot.bootId) return
    this.#witnessGapMs = this.#options.clock.now() - nowMs
    const agrees = Math.abs(this.#witnessGapMs) <= CLOCK_TOLERANCE_MS
    if (agrees && this.read().doubt) this.#accept('it agrees with the clock of another machine')
    this.#options.onChange?.(this)
  }

  /** The operator says that the wall clock is right. */
  confirm(): void {
    this.#accept('an operator confirmed it')
    this.#options.onChange?.(this)
  }

  /** Writes what the next start needs. Resolves when it is on disk, or cannot be. */
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
    if (!this.#isInDoubt) this.#options.log.warn({ ...doubt }, describeDoubt(doubt))
    this.#save(!this.#isInDoubt)
    this.#isInDoubt = true
  }

  /** Soon after boot the clock may be set and the gap widened by the time off: that ends no sum. */
  get #isSettling(): boolean {
    return this.#isNewBoot && this.#boot.elapsedMs() < BOOT_SETTLE_MS
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
    if (!this.#isSettling) this.#steadyMs = 0
  }

  #agree(): void {
    if (this.#isInDoubt) {
      this.#accept('it agrees with the time since boot again')
      return
    }
    this.#follow()
    if (!this.#isSettling) this.#forgetDoubt()
    this.#save(false)
  }

  /** The wall clock is right from now on. */
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

  /** Rarely: each start within the same boot computes the time since. */
  #save(isUrgent: boolean): void {
    const elapsed = this.#boot.elapsedMs()
    if (!isUrgent && elapsed - this.#savedAt < SAVE_EVERY_MS) return
    this.#savedAt = elapsed
    const trustedMs = Math.round(trustedTime(this.#anchor, elapsed))
    const note = { trustedMs, bootMs: elapsed, bootId: this.#boot.bootId }
    this.#saving = this.#write({ ...note, gapMs: this.#gapMs, steadyMs: this.#steadyMs })
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

export function describeDoubt({ wallMs, trustedMs }: ClockDoubt): string {
  const what = `The clock says ${printTime(wallMs)}, expected ${printTime(trustedMs)}`
  return `${what}: until it is trusted again, backups expire by the earlier of the two. Check NTP; if the clock is right, call the mutation confirmClock`
}

/** A clock can be so wrong that ISO 8601 has no word for it. */
function printTime(ms: number): string {
  return Number.isNaN(new Date(ms).getTime()) ? `${ms} ms since 1970` : isoTime(ms)
}
