import nodeSchedule from 'node-schedule'
import type { Clock } from '../lib/clock.ts'
import { nextTime } from '../lib/schedule/next-time.ts'
import { followsElapsedTime, type Schedule } from '../lib/schedule/spec.ts'
import { HOUR_MS } from '../lib/time-units.ts'

export interface Timers {
  /** Adding the same id with the same spec again changes nothing. */
  add(id: string, spec: string, schedule: Schedule): void
  remove(id: string): void
  /** The next due time of the id, unix ms. */
  next(id: string): number | undefined
  close(): void
}

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
export function createTimers({ clock, onDue, onNext }: TimersOptions): Timers {
  const buckets = new Map<string, Bucket>()
  const bucketOf = new Map<string, Bucket>()
  const watch = setInterval(fireDue, WATCH_INTERVAL_MS)
  let readBefore = readBoth()

  /** Fires everything due before it computes the next dates, which would delay the jobs of a busy second. */
  function fireDue(): void {
    const now = clock.now()
    const steppedBack = measureStepBack()
    if (steppedBack > MIN_STEP_BACK_MS) moveBack(steppedBack)
    const due = [...buckets.values()].filter((bucket) => bucket.next !== undefined && bucket.next <= now)
    for (const { ids, next = now } of due) onDue([...ids], next)
    for (const bucket of buckets.values()) {
      const isDue = bucket.next !== undefined && bucket.next <= now
      if (isDue || bucket.since - now > SMALL_STEP_BACK_MS) arm(bucket, now)
    }
  }

  function readBoth() {
    return { wall: clock.now(), elapsed: clock.elapsed() }
  }

  /** By how much the clock was set back since the last reading, ms. */
  function measureStepBack(): number {
    const before = readBefore
    readBefore = readBoth()
    return before.wall + (readBefore.elapsed - before.elapsed) - readBefore.wall
  }

  /** After the clock was set back: keeps the remaining wait of schedules that follow elapsed time. */
  function moveBack(byMs: number): void {
    for (const bucket of buckets.values()) {
      if (!followsElapsedTime(bucket.schedule) || bucket.next === undefined) continue
      bucket.next -= byMs
      bucket.since -= byMs
      bucket.isMoved = true
      wait(bucket)
      onNext(bucket.ids)
    }
  }

  function arm(bucket: Bucket, now: number): void {
    bucket.next = bucket.isMoved ? afterMove(bucket.schedule, now) : nextTime(bucket.schedule, now)
    bucket.isMoved = false
    bucket.since = now
    wait(bucket)
    onNext(bucket.ids)
  }

  function wait(bucket: Bucket): void {
    disarm(bucket)
    if (bucket.next === undefined) return
    const timer = new nodeSchedule.Job(() => {
      if (bucket.timer !== timer) return
      fireDue()
      if (bucket.timer === timer) wait(bucket)
    })
    // node-schedule reads the machine's clock and rejects dates in the past
    timer.schedule(new Date(Date.now() + Math.max(1, bucket.next - clock.now())))
    bucket.timer = timer
  }

  /** Clears `bucket.timer` too: a cancelled timer may still fire after the clock was set back. */
  function disarm(bucket: Bucket): void {
    bucket.timer?.cancel()
    bucket.timer = undefined
  }

  function remove(id: string): void {
    const bucket = bucketOf.get(id)
    bucketOf.delete(id)
    bucket?.ids.delete(id)
    if (!bucket || bucket.ids.size > 0) return
    disarm(bucket)
    buckets.delete(bucket.spec)
  }

  return {
    add(id, spec, schedule) {
      if (bucketOf.get(id)?.spec === spec) return
      remove(id)
      const bucket = buckets.get(spec) ?? {
        spec,
        schedule,
        ids: new Set(),
        next: undefined,
        since: 0,
        isMoved: false,
        timer: undefined,
      }
      if (!buckets.has(spec)) {
        buckets.set(spec, bucket)
        arm(bucket, clock.now())
      }
      bucket.ids.add(id)
      bucketOf.set(id, bucket)
    },
    remove,
    next: (id) => bucketOf.get(id)?.next,
    close() {
      clearInterval(watch)
      for (const bucket of buckets.values()) disarm(bucket)
      buckets.clear()
      bucketOf.clear()
    },
  }
}

/** Returns to the scheduled times but skips one that comes less than half an interval after the moved run. */
function afterMove(schedule: Schedule, now: number): number | undefined {
  const next = nextTime(schedule, now)
  const following = next === undefined ? undefined : nextTime(schedule, next)
  if (next === undefined || following === undefined) return next
  return next - now < (following - next) / 2 ? following : next
}
