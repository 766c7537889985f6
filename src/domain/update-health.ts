import { isoDay } from '../lib/clock.ts'
import { printDuration } from '../lib/durations.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import { DAY_MS } from '../lib/time-units.ts'
import { CLOCK_TOLERANCE_MS } from '../lib/trusted-time.ts'
import { resolveBudget, VERIFY_DUE_ACTION, verifyDueArgsSchema } from '../wire/verify-schedule.ts'
import { adoptPlan } from './health/adopt-plan.ts'
import type { HealthBoard } from './health/board.ts'
import { makeConditionKey, toKept } from './health/entries.ts'
import type { JobEntry } from './health/job-entry.ts'
import { FORECAST_DAYS, readStoreSample } from './health/store-history.ts'
import type { KeptJobHealth } from './health-ports.ts'
import type { PlannedJob } from './plan.ts'
import { type ServerState, verifiesOnSchedule } from './server-state.ts'
import type { World } from './world.ts'

/** Few enough that other requests get their turn between two calls. */
const LOADED_TOGETHER = 100
const MEASURED_TOGETHER = 100
const SAVED_TOGETHER = 200
const PAUSES_INTERVAL_MS = 60_000
const LONG_PAUSE_MS = 7 * DAY_MS
const PAUSED_SOURCE = 'paused jobs'

/** Brings the health of all volumes up to date, in the background; call it as often as you like. */
export function updateHealthSoon(world: World): void {
  world.health.clock.refresh()
  void world.background.run('work out the health of the volumes', () => updateHealth(world))
}

async function updateHealth(world: World): Promise<void> {
  const { health, inventory } = world
  while (health.adopted !== inventory.plan) await doInSlices(adoptPlan(health, inventory.plan))
  await doInSlices(judgeDue(health))
  await loadJobs(world)
  await measureRuns(world)
  await saveJobs(world)
  await savePeriods(world)
  const days = health.stores.takeUnsaved()
  if (days.length > 0) await world.ports.health.saveStoreDays(days)
  reportLongPauses(world)
}

function* judgeDue(health: HealthBoard): Interruptible<void> {
  for (const entry of health.takeDue()) {
    health.judge(entry)
    yield
  }
}

async function loadJobs(world: World): Promise<void> {
  const { toLoad } = world.health
  while (toLoad.size > 0 && !world.history.closing) await loadSome(world, takeSome(toLoad, LOADED_TOGETHER))
}

/** A job that had news meanwhile is read again. */
async function loadSome(world: World, entries: JobEntry[]): Promise<void> {
  const { health, ports } = world
  const added = new Set(entries.filter(({ isLoaded }) => !isLoaded).map(({ planned }) => planned.server))
  const versions = entries.map(({ version }) => version)
  const ids = listIds(entries)
  const rows = new Map((await ports.health.load(ids)).map((row) => [row.jobId, row]))
  const inherited = [...rows.values()].flatMap(({ inherits }) => inherits ?? [])
  const ends = await ports.records.lastEnds([...new Set([...ids, ...inherited])])
  const conditions = await ports.backups.conditions(entries.map(makeConditionKey))
  for (const [at, entry] of entries.entries()) {
    const condition = conditions[at]
    if (entry.version !== versions[at] || !condition) continue
    const row = findRow(rows, entry)
    const lastRun = ends.get(entry.planned.id) ?? ends.get(entry.inherits ?? row?.inherits ?? '') ?? null
    health.applyLoaded(entry, { row, lastRun, condition })
  }
  // Daemons may have answered before their jobs were read.
  for (const server of added) noteAnsweredServer(world, server)
}

function noteAnsweredServer(world: World, ip: string): void {
  const server = world.servers.get(ip)
  if (server?.debug) noteServerHealth(world, server)
}

function findRow(
  rows: Map<string, KeptJobHealth>,
  { planned, inherits }: JobEntry,
): KeptJobHealth | undefined {
  return rows.get(planned.id) ?? rows.get(inherits ?? '')
}

async function measureRuns({ health, ports, history }: World): Promise<void> {
  const { toMeasure } = health
  while (toMeasure.size > 0 && !history.closing) {
    const entries = takeSome(toMeasure, MEASURED_TOGETHER)
    const ids = listIds(entries)
    const lengths = await ports.records.lengths(ids)
    for (const entry of entries) {
      const ofRuns = lengths.get(entry.planned.id) ?? lengths.get(entry.inherits ?? '') ?? []
      health.applyMeasured(entry, findMedian(ofRuns))
    }
  }
}

/** The ids of the jobs, and of those that they inherit from. */
function listIds(entries: readonly JobEntry[]): string[] {
  return entries.flatMap(({ planned, inherits }) =>
    inherits === null ? [planned.id] : [planned.id, inherits],
  )
}

function findMedian(lengths: readonly number[]): number {
  return lengths.toSorted((one, other) => one - other)[lengths.length >> 1] ?? 0
}

/** What a failed write leaves out is written with the next change of the job. */
async function saveJobs({ health, ports }: World): Promise<void> {
  const { toSave, toRemove, toLoad } = health
  while (toSave.size > 0) {
    const entries = takeSome(toSave, SAVED_TOGETHER)
    for (const entry of entries) toSave.delete(entry)
    await ports.health.save(entries.map(toKept))
  }
  // A job that is still to be read may inherit from one of these.
  if (toLoad.size > 0) return
  while (toRemove.size > 0) {
    const ids = takeSome(toRemove, SAVED_TOGETHER)
    await ports.health.remove(ids)
    for (const id of ids) toRemove.delete(id)
  }
}

/** Changes that could not be stored are tried again, in their order. */
async function savePeriods({ health, ports }: World): Promise<void> {
  const { periods } = health
  for (let some = periods.list(SAVED_TOGETHER); some.length > 0; some = periods.list(SAVED_TOGETHER)) {
    await ports.health.changePeriods(some)
    periods.drop(some.length)
  }
}

function takeSome<T>(items: Iterable<T>, most: number): T[] {
  const some: T[] = []
  for (const item of items) {
    if (some.length === most) break
    some.push(item)
  }
  return some
}

/** Notes what a daemon's answer says about its jobs. */
export function noteServerHealth(world: World, server: ServerState): void {
  const { health, inventory } = world
  const { debug, schedule, timeZone, ip } = server
  const told = debug?.clock?.now
  const offset = told === undefined ? 0 : told - health.clock.now()
  const jobs = inventory.plan.jobsByServer.get(ip) ?? []
  const facts = {
    zone: timeZone,
    isStopped: debug?.crond_status === 'stopped',
    clockOffsetMs: Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0,
    verifies: isVerified(server, jobs),
  }
  const sample = debug && readStoreSample(debug, health.clock.now())
  if (sample) health.stores.note(ip, sample)
  health.noteServer(ip, facts, new Map(jobs.map(({ id }) => [id, schedule.isAsleep(id)])))
}

/** Not if its daemon is older, nor on S3, unless the inventory names a budget. */
function isVerified(server: ServerState, jobs: readonly PlannedJob[]): boolean {
  const { debug } = server
  if (debug === null) return true
  const job = jobs.find(({ action }) => action === VERIFY_DUE_ACTION)
  const args = verifyDueArgsSchema.safeParse(job?.job.args).data
  const budget = resolveBudget(args?.budgetBytes ?? null, debug.store?.driver ?? '')
  return verifiesOnSchedule(server) && budget !== null
}

/** Call it when the backups of a server may have changed in another way than by a run of their job. */
export function reloadHealth({ health, inventory }: World, server: string): void {
  health.reload((inventory.plan.jobsByServer.get(server) ?? []).map(({ id }) => id))
}

/** A pause that nobody remembers looks like a schedule that works. */
function reportLongPauses({ health, problems }: World): void {
  const now = health.clock.now()
  if (Math.abs(now - health.pausesReportedAt) < PAUSES_INTERVAL_MS) return
  health.pausesReportedAt = now
  const long = [...health.paused].filter((entry) => isPausedForLong(entry, now))
  for (const { volume } of long) health.volumes.listener?.changed(volume)
  const byServer = Map.groupBy(long, ({ planned }) => planned.server)
  problems.replace(
    PAUSED_SOURCE,
    [...byServer].map(([server, entries]) => ({ key: server, about: server, text: describePause(entries) })),
  )
}

/** @param now unix ms */
export function isPausedForLong({ pausedSince }: JobEntry, now: number): boolean {
  return pausedSince !== null && now - pausedSince > LONG_PAUSE_MS
}

function describePause(entries: readonly JobEntry[]): string {
  const [first] = entries
  const { volume, spec } = first?.planned ?? {}
  const others = entries.length === 1 ? '' : ` and ${entries.length - 1} more`
  return `Jobs are paused for more than ${printDuration(LONG_PAUSE_MS)}: "${spec}" of ${volume?.name} (${volume?.proc})${others}. Wake them, start the scheduler, or take them out of the inventory`
}

/** Restores the rooms of the stores, from which their growth is computed. */
export async function restoreStoreHistory({ health, ports }: World): Promise<void> {
  const from = isoDay(health.clock.now() - FORECAST_DAYS * DAY_MS)
  health.stores.restore(await ports.health.loadStoreDays(from))
}
