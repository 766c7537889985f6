import { NEVER } from '../lib/clock.ts'
import { compareTexts } from '../lib/compare-texts.ts'
import { DISK_SOURCE } from '../lib/data-room.ts'
import { canJob, type JobAction } from '../wire/actions.ts'
import { parseCursor } from '../wire/cursor.ts'
import { countMatches, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { describeMissingJob } from '../wire/missing-texts.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { RunRecord } from '../wire/record.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { cutPage } from './cut-page.ts'
import { describeOldDaemon } from './old-daemon.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { findPlannedJob, listJobsInOrder, type PlannedJob } from './plan.ts'
import { findJobApp } from './planned-job.ts'
import { startRun } from './runs.ts'
import { refreshSchedule } from './schedule.ts'
import { noteServerHealth } from './update-health.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** A planned job with what its daemon last reported about it. */
export interface JobView extends Pick<PlannedJob, 'id' | 'server' | 'job' | 'volume' | 'expire'> {
  app: string
  asleep: boolean
  /** ISO 8601; null: never, or not known yet. */
  prevRun: string | null
  nextRun: string | null
  /** Why the job does not run, or not as it is written; null if it does. */
  problem: string | null
}

export interface JobFilter {
  app?: string | undefined
  proc?: string | undefined
  volume?: string | undefined
  instanceNo?: number | undefined
  mode?: 'full' | 'increment' | undefined
  action?: string | undefined
  server?: string | undefined
}

export function getJob(world: UserWorld, id: string): JobView | undefined {
  const planned = findVisibleJob(world, id)
  return planned && toJobView(world, planned)
}

export function listJobs(world: UserWorld, filter: JobFilter): JobView[] {
  const candidates = listIndexed(world, filter) ?? [...listJobsInOrder(world.inventory.plan)]
  return candidates
    .filter((planned) => matchesFilter(world, planned, filter))
    .map((planned) => toJobView(world, planned))
}

const CURSOR = 'job'
/** Longer lists are not sorted for one page: the page is searched for in the sorted list of all jobs. */
const MAX_SORTED = 2000

/** Sorted by id, and so by server. Throws BAD_INPUT for a bad cursor. */
export function findJobs(world: UserWorld, filter: JobFilter, page: Page): Slice<JobView> {
  const after = parseCursor(CURSOR, page)
  const { items, hasNextPage } = cutPage(listSorted(world, filter), page, {
    matches: (planned) => matchesFilter(world, planned, filter),
    cursor: ({ id }) => [CURSOR, id],
    isReached: ({ id }) => after === undefined || id > after,
  })
  const views = items.map(({ cursor, node }) => ({ cursor, node: toJobView(world, node) }))
  return { items: views, hasNextPage }
}

export function countJobs(world: UserWorld, filter: JobFilter): ListCount {
  const candidates = listIndexed(world, filter) ?? world.inventory.plan.jobs
  return countMatches(candidates, (planned) => matchesFilter(world, planned, filter))
}

function listSorted(world: World, filter: JobFilter): readonly PlannedJob[] {
  const candidates = listIndexed(world, filter)
  if (!candidates || candidates.length > MAX_SORTED) return world.inventory.plan.jobs
  return candidates.toSorted((one, other) => compareTexts(one.id, other.id))
}

/** Narrows the list of all jobs by an index; undefined if the filter names neither app nor server. */
function listIndexed(world: World, { app, server }: JobFilter): readonly PlannedJob[] | undefined {
  const { jobsByApp, jobsByServer } = world.inventory.plan
  const ofApp = app === undefined ? undefined : (jobsByApp.get(app) ?? [])
  const ofServer = server === undefined ? undefined : (jobsByServer.get(server) ?? [])
  if (ofApp && ofServer) return ofApp.length < ofServer.length ? ofApp : ofServer
  return ofApp ?? ofServer
}

/** Names the job that a request is about. */
export interface JobName {
  id: string
  /** The request is refused if the job belongs to another app. */
  app?: string | undefined
}

export interface RunJob extends JobName {
  /** An increment reads every file, whatever its timestamps say. */
  reread?: boolean
}

/** Runs the job now, in addition to its schedule. */
export function runJob(world: UserWorld, { reread = false, ...name }: RunJob): Promise<Answer<RunRecord>> {
  const ask = { action: 'run' as const, ...name, ...(reread && { facts: { reread } }) }
  return withJob<RunRecord>(world, ask, async ({ id, server, job }) => {
    const full = world.problems.list().find(({ source }) => source === DISK_SOURCE)
    // Other actions stay allowed: they free room or need none.
    if (full && job.action === 'backup') return refuse('DISK_FULL', `Cannot start a backup: ${full.text}`)
    const draft = { server, jobId: id, spec: job.spec, action: job.action, args: job.args }
    return startRun(world, draft, (rid) => world.ports.daemon.runJob(server, job.id, { rid, reread }))
  })
}

/** Suspends the job's schedule until it is woken. Idempotent. */
export function sleepJob(world: UserWorld, name: JobName): Promise<Answer<JobView>> {
  return withJob(world, { action: 'sleep', ...name }, async (planned) => {
    await world.ports.daemon.sleepJob(planned.server, planned.job.id)
    return refreshJobView(world, planned)
  })
}

export function wakeJob(world: UserWorld, name: JobName): Promise<Answer<JobView>> {
  return withJob(world, { action: 'wake', ...name }, async (planned) => {
    await world.ports.daemon.wakeJob(planned.server, planned.job.id)
    return refreshJobView(world, planned)
  })
}

interface JobRequest extends JobName {
  action: JobAction
  facts?: Record<string, boolean>
}

function withJob<T>(
  world: UserWorld,
  { action, id, app, facts }: JobRequest,
  work: (job: PlannedJob) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  return audited(
    world,
    { verb: `${action}Job`, facts: { id, ...facts } },
    {
      check() {
        const planned = findVisibleJob(world, id)
        if (!planned || (app !== undefined && findJobApp(planned) !== app))
          return refuse('NOT_FOUND', describeMissingJob(id, app), { id })
        const refusal = refuseUnlessPermitted(world, action, { app: findJobApp(planned) })
        if (refusal || canJob(action, planned.job)) return refusal ?? planned
        const message = `"${id}" expires old backups every minute on its own; it cannot be run, put to sleep or woken`
        return refuse('BAD_INPUT', message, { id })
      },
      act: work,
    },
  )
}

function findVisibleJob(world: UserWorld, id: string): PlannedJob | undefined {
  const planned = findPlannedJob(world.inventory.plan, id)
  return planned && seesApp(world, findJobApp(planned)) ? planned : undefined
}

async function refreshJobView(world: World, planned: PlannedJob): Promise<JobView> {
  const server = world.servers.get(planned.server)
  if (server) await refreshSchedule(world, server)
  if (server) noteServerHealth(world, server)
  return toJobView(world, planned)
}

function toJobView(world: World, planned: PlannedJob): JobView {
  const { id, volume, expire, job } = planned
  const server = world.servers.get(planned.server)
  const scheduled = server?.schedule.get(id)
  return {
    id,
    server: planned.server,
    job,
    volume,
    expire,
    app: findJobApp(planned),
    asleep: scheduled?.job.sleep ?? false,
    prevRun: timeOrNull(scheduled?.prev),
    nextRun: timeOrNull(scheduled?.next),
    problem: server?.conflict ?? server?.dropped.get(planned.id) ?? describeOldDaemon(planned, server),
  }
}

function timeOrNull(time: string | undefined): string | null {
  return time === undefined || time === NEVER ? null : time
}

function matchesFilter(world: UserWorld, planned: PlannedJob, filter: JobFilter): boolean {
  const { server, volume } = planned
  const { app, proc, instanceNo, mode, action } = filter
  return (
    (app === undefined || findJobApp(planned) === app) &&
    (seesEverything(world) || seesApp(world, findJobApp(planned))) &&
    (proc === undefined || (volume !== null && isProcNamed(volume.proc, proc))) &&
    (filter.volume === undefined || volume?.name === filter.volume) &&
    (instanceNo === undefined || volume?.instanceNo === instanceNo) &&
    (mode === undefined || planned.mode === mode) &&
    (action === undefined || planned.action === action) &&
    (filter.server === undefined || server === filter.server)
  )
}
