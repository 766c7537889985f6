import { nextWall } from './next-wall.ts'
import type { CronSchedule, Schedule } from './spec.ts'
import { findInstant, nextChange, offsetAt } from './zone.ts'

/** The end of the year 9999, the limit for scheduled times. */
const LAST_MS = Date.UTC(10_000, 0, 1) - 1

/** The first scheduled time after `afterMs` (both unix ms); undefined if there is none. */
export function nextTime(schedule: Schedule, afterMs: number): number | undefined {
  if (!(afterMs < LAST_MS && afterMs >= 0)) return undefined
  if (schedule.kind === 'interval') return (Math.floor(afterMs / schedule.everyMs) + 1) * schedule.everyMs
  return schedule.everyHour ? nextElapsed(schedule, afterMs) : nextNamed(schedule, afterMs)
}

/**
 * For an hour field with given hours: each wall time runs once, at its first occurrence. Times skipped by a clock change
 * run right after the gap, several of them as one run.
 */
function nextNamed(schedule: CronSchedule, after: number): number | undefined {
  const { zone } = schedule
  const wall = after + offsetAt(zone, after)
  const passed = pastRepeat(zone, after, wall)
  for (let at = nextWall(schedule, passed); at !== undefined; at = nextWall(schedule, at + 1000)) {
    const instant = findInstant(zone, at)
    if (instant > after) return instant
  }
  return undefined
}

/** The first wall time to consider: during the second pass of a repeated hour, the one after it. */
function pastRepeat(zone: string, after: number, wall: number): number {
  const first = findInstant(zone, wall)
  if (first >= after) return wall + 1
  const change = nextChange(zone, first, after)
  return change === undefined ? wall + 1 : change + offsetAt(zone, first)
}

/** For an hour field that starts with `*`: every instant whose wall time fits runs, so a repeated hour runs twice. */
function nextElapsed(schedule: CronSchedule, after: number): number | undefined {
  const { zone } = schedule
  for (let from = after + 1; ; ) {
    const offset = offsetAt(zone, from)
    const wall = nextWall(schedule, from + offset)
    if (wall === undefined) return undefined
    const change = nextChange(zone, from, wall - offset)
    if (change === undefined) return wall - offset
    from = change
  }
}
