import { backoffMs } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import { DAY_MS } from '../../lib/time-units.ts'
import { isHeld, type Notification, type NotificationState } from './notification.ts'

/** What waits longer is given up. */
const MAX_AGE_MS = DAY_MS
/** For one sink; the oldest are given up. */
const MAX_WAITING = 2000
/** A sink that fails for so long is a problem. */
const PROBLEM_AFTER_MS = 5 * 60_000

interface SinkLine {
  /** In the order of their making. */
  waiting: Map<string, Notification>
  /** In a row. */
  failures: number
  /** Elapsed ms: when the first of them was. */
  failingSince: number
  /** Elapsed ms: nothing is tried before. */
  retryAt: number
  /** What the receiver answered last to one that it will never take; null after it has taken another one. */
  refused: string | null
}

/** What is wrong with a sink. */
export type SinkFault =
  | { kind: 'refused'; answer: string }
  /** It has failed for a while. */
  | { kind: 'stuck'; answer: string; waiting: number }

/** The notifications that wait, by sink. Each sink gets one after the other, and a dead one delays no other. */
export class NotifyOutbox {
  readonly #clock: Clock
  readonly #lines = new Map<string, SinkLine>()
  /** The same by alarm: a long line is not searched. */
  readonly #byAlarm = new Map<string, Map<string, Notification>>()
  /** What became of some, until that is stored. */
  readonly #unsaved = new Map<string, Notification>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(notifications: readonly Notification[]): void {
    for (const one of notifications) {
      if (one.state === 'WAITING') this.#keep(one)
      else this.#forget(one)
    }
  }

  /** Those about an alarm that wait. */
  listWaiting(alarmId: string): Notification[] {
    return [...(this.#byAlarm.get(alarmId)?.values() ?? [])]
  }

  /** Gives up those for sinks that are no longer there. */
  keepSinks(names: ReadonlySet<string>): void {
    for (const [sink, { waiting }] of this.#lines) {
      if (names.has(sink)) continue
      for (const one of waiting.values()) this.#end(one, 'DROPPED', 'The sink is no longer in the settings')
      this.#lines.delete(sink)
    }
  }

  /** What the sink should get now. */
  findDue(sink: string): Notification | undefined {
    const line = this.#lines.get(sink)
    if (!line || this.#clock.elapsed() < line.retryAt) return undefined
    this.#giveUp(line)
    const now = this.#clock.now()
    for (const one of line.waiting.values()) if (!isHeld(one, now)) return one
    return undefined
  }

  #giveUp({ waiting }: SinkLine): void {
    const oldest = this.#clock.now() - MAX_AGE_MS
    for (const one of waiting.values()) {
      if (waiting.size <= MAX_WAITING && Math.max(one.createdAt, one.heldUntil) >= oldest) return
      this.#end(one, 'FAILED', `Given up: ${one.answer ?? 'too much waited'}`)
    }
  }

  noteSent(one: Notification, answer: string): void {
    const line = this.#findLine(one.sink)
    Object.assign(line, { failures: 0, retryAt: 0, refused: null })
    this.#end(this.#noteAttempt(one), 'SENT', answer)
  }

  /** @param isFinal the receiver can never take it */
  noteFailure(one: Notification, answer: string, isFinal: boolean): void {
    // It may have been dropped meanwhile.
    if (!this.#lines.get(one.sink)?.waiting.has(one.id)) return
    const tried = { ...this.#noteAttempt(one), answer }
    const line = this.#findLine(one.sink)
    if (line.failures === 0) line.failingSince = this.#clock.elapsed()
    line.failures += 1
    if (isFinal) this.#refuse(line, tried, answer)
    else this.#tryLater(line, tried)
  }

  /** The next one is sent at once. */
  #refuse(line: SinkLine, tried: Notification, answer: string): void {
    line.refused = answer
    this.#end(tried, 'FAILED', answer)
  }

  #tryLater(line: SinkLine, tried: Notification): void {
    line.retryAt = this.#clock.elapsed() + backoffMs(line.failures)
    this.#keep(tried)
    this.#unsaved.set(tried.id, tried)
  }

  findFault(sink: string): SinkFault | undefined {
    const line = this.#lines.get(sink)
    if (!line) return undefined
    if (line.refused !== null) return { kind: 'refused', answer: line.refused }
    if (!this.isDead(sink, PROBLEM_AFTER_MS)) return undefined
    const tried = [...line.waiting.values()].filter(({ answer }) => answer !== null)
    return { kind: 'stuck', waiting: line.waiting.size, answer: tried.at(-1)?.answer ?? 'no answer' }
  }

  /** Whether a sink has failed for so long. */
  isDead(sink: string, ms: number): boolean {
    const line = this.#lines.get(sink)
    return line !== undefined && line.failures > 0 && this.#clock.elapsed() - line.failingSince >= ms
  }

  /** What is to be stored; confirm it with markSaved(). */
  listUnsaved(): Notification[] {
    return [...this.#unsaved.values()]
  }

  markSaved(saved: readonly Notification[]): void {
    for (const one of saved) if (this.#unsaved.get(one.id) === one) this.#unsaved.delete(one.id)
  }

  #noteAttempt(one: Notification): Notification {
    return { ...one, attempts: one.attempts + 1, attemptedAt: this.#clock.now() }
  }

  #end(one: Notification, state: NotificationState, answer: string): void {
    this.#forget(one)
    this.#unsaved.set(one.id, { ...one, state, answer })
  }

  #keep(one: Notification): void {
    this.#findLine(one.sink).waiting.set(one.id, one)
    if (!one.alarm) return
    const ofAlarm = this.#byAlarm.get(one.alarm.id) ?? new Map<string, Notification>()
    this.#byAlarm.set(one.alarm.id, ofAlarm.set(one.id, one))
  }

  #forget({ id, sink, alarm }: Notification): void {
    this.#lines.get(sink)?.waiting.delete(id)
    const ofAlarm = this.#byAlarm.get(alarm?.id ?? '')
    ofAlarm?.delete(id)
    if (alarm && ofAlarm?.size === 0) this.#byAlarm.delete(alarm.id)
  }

  #findLine(sink: string): SinkLine {
    const known = this.#lines.get(sink)
    if (known) return known
    const line: SinkLine = { waiting: new Map(), failures: 0, failingSince: 0, retryAt: 0, refused: null }
    this.#lines.set(sink, line)
    return line
  }
}
