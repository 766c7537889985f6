import nodeSchedule from 'node-schedule'
import type { Clock } from '../lib/clock.ts'
import { nextTime } from '../lib/schedule/next-time.ts'
import { followsElapsedTime, type Schedule } from '../lib/schedule/spec.ts'

export interface Timers {
  /** The same id with the same spec again changes nothing. */
  add(id: string, spec: string, schedule: Schedule): void
  remove(id: string): void
  /** When the id is due next, unix ms. */
  next(id: string): number | undefined
  close(): void
}

export interface TimersOptions {
  clock: Clock
  /** These ids are due now; `dueAt` is the time their schedule named, unix ms. Must not throw. */
  onDue(ids: readonly string[], dueAt: number): void
}

/** Named times wait for a clock that was put back by less than this to catch up. By more, it was wrong: they start afresh. */
export const SMALL_STEP_BACK_MS = 3 * 3_600_000
/** A clock that reads less than it should by more than this was put back. */
const STEP_BACK_MS = 1000
/** A machine that slept, or a clock put forward, is noticed within this. */
const WATCH_MS = 1000

/** One timer of node-schedule and all that share it. */
interface Bucket {
  spec: string
  schedule: Schedule
  ids: Set<string>
  next: number | undefined
  /** The clock when `next` was computed. */
  since: number
  /** `next` was moved along with a clock that was put back. */
  isMoved: boolean
  timer: nodeSchedule.Job | undefined
}

/**
 * The timers of a schedule: one of node-schedule's for each distinct spec (its zone included), the ids behind it.
 * We compute each date, it waits for it. Whatever the clock does: what was missed runs once, and no named time
 * runs twice unless the clock is put back by more than three hours. Schedules that follow elapsed time go on as if the
 * clock had not been put back.
 */
export function createTimers({ clock, onDue }: TimersOptions): Timers {
  const buckets = new Map<string, Bucket>()
  const bucketOf = new Map<string, Bucket>()
  const watch = setInterval(fireDue, WATCH_MS)
  let readBefore = readBoth()

  /** All that is due first, the dates of the next time after that: on a busy second they would make it late. */
  function fireDue(): void {
    const now = clock.now()
    const steppedBack = stepBack()
    if (steppedBack > STEP_BACK_MS) moveBack(steppedBack)
    const due = [...buckets.values()].filter((bucket) => bucket.next !== undefined && bucket.next <= now)
    for (const { ids, next = now } of due) onDue([...ids], next)
    for (const bucket of buckets.values()) {
      const isDue = bucket.next !== undefined && bucket.next <= now
      if (isDue || bucket.since - now > SMALL_STEP_BACK_MS) arm(bucket, now)
    }
  }

  function readBoth() {
    return { wall: clock.now(), elapsed: performance.now() }
  }

  /** By how much the clock was put back since it was read before, ms. */
  function stepBack(): number {
    const before = readBefore
    readBefore = readBoth()
    return before.wall + (readBefore.elapsed - before.elapsed) - readBefore.wall
  }

  /** The clock was put back: what follows elapsed time is due as long from now as before. */
  function moveBack(byMs: number): void {
    for (const bucket of buckets.values()) {
      if (!followsElapsedTime(bucket.schedule) || bucket.next === undefined) continue
      bucket.next -= byMs
      bucket.since -= byMs
      bucket.isMoved = true
      wait(bucket)
    }
  }

  function arm(bucket: Bucket, now: number): void {
    bucket.next = bucket.isMoved ? afterMove(bucket.schedule, now) : nextTime(bucket.schedule, now)
    bucket.isMoved = false
    bucket.since = now
    wait(bucket)
  }

  function wait(bucket: Bucket): void {
    disarm(bucket)
    if (bucket.next === undefined) return
    const timer = new nodeSchedule.Job(() => {
      if (bucket.timer !== timer) return
      fireDue()
      if (bucket.timer === timer) wait(bucket)
    })
    // node-schedule reads the machine's clock, and takes no date of the past
    timer.schedule(new Date(Date.now() + Math.max(1, bucket.next - clock.now())))
    bucket.timer = timer
  }

  /** A cancelled timer of node-schedule may fire all the same, once the clock was put back. */
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

/** Back to the times that the schedule names, passing over one that comes too soon after the run that was moved. */
function afterMove(schedule: Schedule, now: number): number | undefined {
  const next = nextTime(schedule, now)
  const following = next === undefined ? undefined : nextTime(schedule, next)
  if (next === undefined || following === undefined) return next
  return next - now < (following - next) / 2 ? following : next
}
