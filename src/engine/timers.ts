import nodeSchedule from 'node-schedule'
import type { Clock } from '../lib/clock.ts'
import { nextTime } from '../lib/schedule/next-time.ts'
import { followsElapsedTime, type Schedule } from '../lib/schedule/spec.ts'
import { HOUR_MS } from '../lib/time-units.ts'

export interface TimersOptions {
  clock: Clock
  /** These ids are due now; `dueAt` is their scheduled time, unix ms. Must not throw. */
  onDue(ids: readonly string[], dueAt: number): void
  /** The next due time of these ids was computed again. */
  onNext(ids: Iterable<string>): void
}

/** Clock set back by less: scheduled times wait until it catches up. By more: it was wrong, they are computed again. */
export const SMALL_STEP_BACK_MS = 3 * HOUR_MS
/** A clock that is behind its expected reading by more than this was set back. */
const MIN_STEP_BACK_MS = 1000
/** A suspended machine or a clock set forward is noticed within this. */
const WATCH_INTERVAL_MS = 1000

/** One timer of node-schedule and the ids that share it. */
interface Bucket {
  spec: string
  schedule: Schedule
  ids: Set<string>
  next: number | undefined
  /** The wall clock when `next` was computed, unix ms. */
  since: number
  /** Whether `next` was moved along with a clock that was set back. */
  isMoved: boolean
  timer: nodeSchedule.Job | undefined
}

/**
 * The timers of the jobs: one timer of node-schedule for each distinct spec (zone included), shared by its ids. We
 * compute each date, node-schedule waits for it. Whatever the clock does, missed times run once, and no scheduled time
 * runs twice unless the clock is set back by more than three hours. Schedules that follow elapsed time continue as if
 * the clock had not been set back.
 */
export class Timers {
  readonly #clock: Clock
  readonly #onDue: TimersOptions['onDue']
  readonly #onNext: TimersOptions['onNext']
  readonly #bySpec = new Map<string, Bucket>()
  readonly #byId = new Map<string, Bucket>()
  readonly #watch: NodeJS.Timeout
  #readBefore: { wall: number; elapsed: number }

  constructor({ clock, onDue, onNext }: TimersOptions) {
    this.#clock = clock
    this.#onDue = onDue
    this.#onNext = onNext
    this.#readBefore = this.#readBoth()
    this.#watch = setInterval(() => this.#fireDue(), WATCH_INTERVAL_MS)
  }

  /** Adding the same id with the same spec again changes nothing. */
  add(id: string, spec: string, schedule: Schedule): void {
    if (this.#byId.get(id)?.spec === spec) return
    this.remove(id)
    const bucket = this.#bySpec.get(spec) ?? this.#addBucket(spec, schedule)
    bucket.ids.add(id)
    this.#byId.set(id, bucket)
  }

  remove(id: string): void {
    const bucket = this.#byId.get(id)
    this.#byId.delete(id)
    bucket?.ids.delete(id)
    if (!bucket || bucket.ids.size > 0) return
    disarm(bucket)
    this.#bySpec.delete(bucket.spec)
  }

  /** The next due time of the id, unix ms. */
  next(id: string): number | undefined {
    return this.#byId.get(id)?.next
  }

  close(): void {
    clearInterval(this.#watch)
    for (const bucket of this.#bySpec.values()) disarm(bucket)
    this.#bySpec.clear()
    this.#byId.clear()
  }

  /** First follows a step of the clock that nobody has noticed yet: the new times are of the new clock. */
  #addBucket(spec: string, schedule: Schedule): Bucket {
    this.#followSteps()
    const bucket: Bucket = {
      spec,
      schedule,
      ids: new Set(),
      next: undefined,
      since: 0,
      isMoved: false,
      timer: undefined,
    }
    this.#bySpec.set(spec, bucket)
    this.#arm(bucket, this.#clock.now())
    return bucket
  }

  /** Fires everything due before it computes the next dates, which would delay the jobs of a busy second. */
  #fireDue(): void {
    const now = this.#clock.now()
    this.#followSteps()
    const isDue = ({ next }: Bucket) => next !== undefined && next <= now
    const due = [...this.#bySpec.values()].filter(isDue)
    for (const { ids, next = now } of due) this.#onDue([...ids], next)
    for (const bucket of this.#bySpec.values()) {
      if (isDue(bucket) || bucket.since - now > SMALL_STEP_BACK_MS) this.#arm(bucket, now)
    }
  }

  #readBoth() {
    return { wall: this.#clock.now(), elapsed: this.#clock.elapsed() }
  }

  #followSteps(): void {
    const steppedBack = this.#measureStepBack()
    if (steppedBack > MIN_STEP_BACK_MS) this.#moveBack(steppedBack)
  }

  /** By how much the clock was set back since the last reading, ms. */
  #measureStepBack(): number {
    const before = this.#readBefore
    const now = this.#readBoth()
    this.#readBefore = now
    return before.wall + (now.elapsed - before.elapsed) - now.wall
  }

  /** After the clock was set back: keeps the remaining wait of schedules that follow elapsed time. */
  #moveBack(byMs: number): void {
    for (const bucket of this.#bySpec.values()) {
      if (!followsElapsedTime(bucket.schedule) || bucket.next === undefined) continue
      bucket.next -= byMs
      bucket.since -= byMs
      bucket.isMoved = true
      this.#wait(bucket)
      this.#onNext(bucket.ids)
    }
  }

  #arm(bucket: Bucket, now: number): void {
    bucket.next = bucket.isMoved ? afterMove(bucket.schedule, now) : nextTime(bucket.schedule, now)
    bucket.isMoved = false
    bucket.since = now
    this.#wait(bucket)
    this.#onNext(bucket.ids)
  }

  #wait(bucket: Bucket): void {
    disarm(bucket)
    if (bucket.next === undefined) return
    const timer = new nodeSchedule.Job(() => {
      this.#fireDue()
      if (bucket.timer === timer) this.#wait(bucket)
    })
    // node-schedule reads the machine's clock and rejects dates in the past
    timer.schedule(new Date(Date.now() + Math.max(1, bucket.next - this.#clock.now())))
    bucket.timer = timer
  }
}

/** Clears `bucket.timer` too: a cancelled timer may still fire after the clock was set back. */
function disarm(bucket: Bucket): void {
  bucket.timer?.cancel()
  bucket.timer = undefined
}

/** Returns to the scheduled times but skips one that comes less than half an interval after the moved run. */
function afterMove(schedule: Schedule, now: number): number | undefined {
  const next = nextTime(schedule, now)
  const following = next === undefined ? undefined : nextTime(schedule, next)
  if (next === undefined || following === undefined) return next
  return next - now < (following - next) / 2 ? following : next
}
