import { isoTime } from '../lib/clock.ts'
import { compareTexts } from '../lib/compare-texts.ts'
import { BackupdError } from '../lib/errors.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import { DAY_MS, HOUR_MS } from '../lib/time-units.ts'
import {
  type BucketRow,
  countBuckets,
  countPlannedGroups,
  type SchedulesOfGroup,
} from './health/count-planned.ts'
import type { PlannedJob } from './plan.ts'
import { findJobApp } from './planned-job.ts'
import { seesApp, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** How long each bucket is. */
const BUCKET_MS = { QUARTER_HOUR: HOUR_MS / 4, HOUR: HOUR_MS, DAY: DAY_MS } as const
export type BucketLength = keyof typeof BUCKET_MS

/** What the planned runs are grouped by. */
const READ_KEY = {
  APP: (job) => findJobApp(job),
  SERVER: ({ server }) => server,
  ACTION: ({ action }) => action,
  MODE: ({ mode }) => mode ?? '',
} as const satisfies Record<string, (job: PlannedJob) => string>
export type PlannedBy = keyof typeof READ_KEY

export interface PlannedRunsQuestion {
  /** ISO 8601. */
  from: string
  to: string
  bucket: BucketLength
  by: PlannedBy | undefined
}

export interface PlannedRuns {
  /** What its runs have in common; null if they are not grouped. */
  key: string | null
  runs: number
  /** Those that have runs, in their order. */
  buckets: { start: string; runs: number }[]
}

export const MAX_BUCKETS = 1000
/** Groups of an answer, and buckets of all of them together. */
export const MAX_GROUPS = 1000
export const MAX_LISTED_BUCKETS = 15_000

/**
 * When backups and verifications that the caller may see are planned, by the schedules as they are now: those that sleep
 * are left out, and so is expiry, which runs each minute. Throws BAD_INPUT for a time that is too long.
 */
export async function findPlannedRuns(
  world: UserWorld,
  question: PlannedRunsQuestion,
): Promise<PlannedRuns[]> {
  const found = await doInSlices(countRuns(world, question.by, readRow(question)))
  return found
    .filter(({ runs }) => runs > 0)
    .sort((one, other) => compareTexts(one.key ?? '', other.key ?? ''))
}

/** The limits are checked before the memory that they bound is taken. */
function* countRuns(
  world: UserWorld,
  by: PlannedBy | undefined,
  row: BucketRow,
): Interruptible<PlannedRuns[]> {
  const groups = yield* groupJobs(world, by)
  const keys = new Set(groups.map(({ key }) => key))
  if (keys.size > MAX_GROUPS) throw tooLong(`${keys.size} groups`, MAX_GROUPS)
  const counted = yield* countPlannedGroups(groups, row)
  const listed = yield* countListed(counted.values())
  if (listed > MAX_LISTED_BUCKETS) throw tooLong(`${listed} buckets with runs`, MAX_LISTED_BUCKETS)
  const found: PlannedRuns[] = []
  for (const [key, counts] of counted) {
    found.push(toPlannedRuns(by === undefined ? null : key, counts, row))
    yield
  }
  return found
}

function* countListed(counted: Iterable<Float64Array>): Interruptible<number> {
  let listed = 0
  for (const counts of counted) {
    listed += counts.reduce((sum, runs) => (runs === 0 ? sum : sum + 1), 0)
    yield
  }
  return listed
}

function readRow({ from, to, bucket }: PlannedRunsQuestion): BucketRow {
  const row = { from: Date.parse(from), to: Date.parse(to), lengthMs: BUCKET_MS[bucket] }
  if (!(row.to > row.from))
    throw new BackupdError('BAD_INPUT', 'to: it is not after "from", expected a later time')
  const count = countBuckets(row)
  if (count > MAX_BUCKETS) throw tooLong(`${count} buckets`, MAX_BUCKETS)
  return row
}

function tooLong(what: string, most: number): BackupdError {
  const text = `There are ${what} between "from" and "to", expected at most ${most}: ask for a shorter time, or for longer buckets`
  return new BackupdError('BAD_INPUT', text)
}

/** The schedules of the jobs that run, each with how many jobs have it. */
function* groupJobs(world: UserWorld, by: PlannedBy | undefined): Interruptible<SchedulesOfGroup[]> {
  const groups = new Map<string, SchedulesOfGroup>()
  const readKey: (job: PlannedJob) => string = by === undefined ? () => '' : READ_KEY[by]
  for (const job of world.inventory.plan.jobs) {
    yield
    if (job.action === 'backup_expire' || !seesApp(world, findJobApp(job)) || isPaused(world, job)) continue
    const zone = world.servers.get(job.server)?.timeZone ?? null
    const facts = { key: readKey(job), spec: job.spec, zone }
    const id = JSON.stringify(facts)
    const known = groups.get(id) ?? { ...facts, jobs: 0 }
    known.jobs += 1
    groups.set(id, known)
  }
  return [...groups.values()]
}

function isPaused({ servers }: World, { server: ip, id }: PlannedJob): boolean {
  const server = servers.get(ip)
  return server?.debug?.crond_status === 'stopped' || server?.schedule.isAsleep(id) === true
}

function toPlannedRuns(key: string | null, counts: Float64Array, { from, lengthMs }: BucketRow): PlannedRuns {
  const buckets = [...counts].flatMap((runs, at) =>
    runs === 0 ? [] : [{ start: isoTime(from + at * lengthMs), runs }],
  )
  return { key, runs: counts.reduce((sum, runs) => sum + runs, 0), buckets }
}
