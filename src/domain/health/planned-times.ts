import { findLongestGap } from '../../lib/schedule/longest-gap.ts'
import { nextTime } from '../../lib/schedule/next-time.ts'
import { parseSpec, type Schedule } from '../../lib/schedule/spec.ts'

interface Planned {
  schedule: Schedule
  /** The planned time after any time from `from` to before `next` is `next`. */
  from: number
  next: number | null
  /** Computed when it is asked for. */
  longestGapMs?: number | null
}

/** Specs in all zones; when there are more, those of edited schedules are dropped with the others. */
const MAX_KNOWN = 50_000

/**
 * The planned times of schedules. Many jobs share a schedule and ask about the same time, so the last answer of each
 * schedule is kept: to compute one in a zone costs some tens of microseconds.
 */
export class PlannedTimes {
  readonly #known = new Map<string, Planned | null>()

  /** @param zone of a spec that names none; null: our own. @returns unix ms; null if there is none */
  next(spec: string, zone: string | null, after: number): number | null {
    const key = makeSpecKey(spec, zone)
    const known = this.#known.get(key)
    if (known === null) return null
    if (known && after >= known.from && (known.next === null || after < known.next)) return known.next
    const schedule = known?.schedule ?? readDaemonSchedule(spec, zone)
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    const next = schedule ? (nextTime(schedule, after) ?? null) : null
    this.#known.set(key, schedule ? { ...known, schedule, from: after, next } : null)
    return next
  }

  /** The longest time between two planned runs, ms; null if there are not two. Otherwise as `next`. */
  longestGap(spec: string, zone: string | null, now: number): number | null {
    this.next(spec, zone, now)
    const known = this.#known.get(makeSpecKey(spec, zone))
    if (!known) return null
    known.longestGapMs ??= findLongestGap(known.schedule)
    return known.longestGapMs
  }
}

function makeSpecKey(spec: string, zone: string | null): string {
  return `${zone ?? ''} ${spec}`
}

/** Every planned time after `after` and before `before`, unix ms. */
export function* listPlannedTimes(schedule: Schedule, after: number, before: number): Generator<number> {
  for (let at = nextTime(schedule, after); at !== undefined && at < before; at = nextTime(schedule, at))
    yield at
}

/** The schedule as the daemon in this zone reads it; undefined if the spec is not one. */
export function readDaemonSchedule(spec: string, zone: string | null): Schedule | undefined {
  try {
    const schedule = parseSpec(spec)
    const namesZone = /^\s*(?:CRON_)?TZ=/.test(spec)
    if (schedule.kind !== 'cron' || namesZone || zone === null || !isUsable(zone)) return schedule
    return { ...schedule, zone }
  } catch {
    return undefined
  }
}

/** A daemon may report anything, also an offset such as `+05:30`. */
function isUsable(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
