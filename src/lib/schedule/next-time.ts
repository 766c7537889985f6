import { nextWall } from './next-wall.ts'
import type { CronSchedule, Schedule } from './spec.ts'
import { instantOf, nextChange, offsetAt } from './zone.ts'

/** The end of the year 9999: nobody schedules beyond, and Date ends not far behind. */
const LAST_MS = Date.UTC(10_000, 0, 1) - 1

/** The first time after `afterMs` (both unix ms) that a schedule names; undefined where none comes. */
export function nextTime(schedule: Schedule, afterMs: number): number | undefined {
  if (!(afterMs < LAST_MS && afterMs >= 0)) return undefined
  if (schedule.kind === 'interval') return (Math.floor(afterMs / schedule.everyMs) + 1) * schedule.everyMs
  return schedule.everyHour ? nextElapsed(schedule, afterMs) : nextNamed(schedule, afterMs)
}

/**
 * The hour field names hours: each wall time runs once, the first time it comes; one that the clock skips runs
 * right after the gap, and several skipped ones run there together.
 */
function nextNamed(schedule: CronSchedule, after: number): number | undefined {
  const { zone } = schedule
  const wall = after + offsetAt(zone, after)
  const passed = pastRepeat(zone, after, wall)
  for (let at = nextWall(schedule, passed); at !== undefined; at = nextWall(schedule, at + 1000)) {
    const instant = instantOf(zone, at)
    if (instant > after) return instant
  }
  return undefined
}

/** The first wall time that may still come: during the second pass of a doubled stretch, what follows it. */
function pastRepeat(zone: string, after: number, wall: number): number {
  const first = instantOf(zone, wall)
  if (first >= after) return wall + 1
  const change = nextChange(zone, first, after)
  return change === undefined ? wall + 1 : change + offsetAt(zone, first)
}

/** The hour field starts with `*`: every instant whose wall time fits runs, as an unbroken clock would have it. */
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
