import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { posix } from 'node:path'
import { compareTexts } from '../lib/compare-texts.ts'
import { findNestedPaths } from '../lib/nested-paths.ts'
import { archiveName } from '../wire/archive-name.ts'
import { jobId } from '../wire/ids.ts'
import type {
  Inventory,
  InventoryApp,
  InventoryInstance,
  InventoryProc,
  InventorySchedule,
  InventoryVolume,
} from '../wire/inventory.ts'
import type { BackupArgs, Job, JobOptions } from '../wire/job.ts'
import { shortenProcName } from '../wire/proc-names.ts'
import { expireJob, findJobApp } from './expire-job.ts'
import {
  comparePlaces,
  type ListSize,
  type Plan,
  type PlannedJob,
  type PlannedVolume,
  type PlanSizes,
  volumeIdentity,
  volumeKey,
} from './plan.ts'

/** @param volumeRoot the directory of volumes whose path the inventory does not name */
export function makePlan(inventory: Inventory, volumeRoot: string): Plan {
  const plan: Plan = {
    inventory,
    volumes: [],
    volumesByName: new Map(),
    volumesByPath: new Map(),
    volumesByArchive: new Map(),
    servers: new Map(),
    jobs: new Map(),
    jobsByApp: new Map(),
    jobsByServer: new Map(),
    ...indexApps(inventory),
    serversByApp: new Map(),
    sortedVolumes: [],
    sortedJobs: [],
    sizes: measureLists(inventory, [], []),
    problems: [],
  }
  const drafts = [...draftVolumes(inventory, volumeRoot)]
  const above = volumesAbove(drafts.map(({ volume }) => volume))
  for (const draft of drafts) addVolume(plan, draft, above)
  for (const [ip, volumes] of Map.groupBy(plan.volumes, (volume) => volume.server))
    addServer(plan, ip, volumes)
  plan.jobsByApp = Map.groupBy(plan.jobs.values(), findJobApp)
  plan.jobsByServer = Map.groupBy(plan.jobs.values(), ({ server }) => server)
  const volumesByApp = Map.groupBy(plan.volumes, ({ app }) => app)
  plan.serversByApp = new Map(
    [...volumesByApp].map(([app, volumes]) => [app, new Set(volumes.map(({ server }) => server))]),
  )
  plan.sortedVolumes = sortInGroups(volumesByApp, comparePlaces)
  plan.sortedJobs = sortInGroups(
    Map.groupBy(plan.jobs.values(), ({ id }) => id.slice(0, SERVER_DIGITS)),
    (one, other) => compareTexts(one.id, other.id),
  )
  plan.sizes = measureLists(inventory, plan.volumes, plan.jobsByServer.values())
  return plan
}

/** Hex digits of the server at the start of a job's id. */
const SERVER_DIGITS = 8

function indexApps({ apps }: Inventory): Pick<Plan, 'apps' | 'appsByName' | 'procNames'> {
  const appsByName = new Map<string, InventoryApp>()
  const procNames = new Map<string, Set<string>>()
  for (const app of apps) {
    // Of two apps with one name, the first counts.
    if (!appsByName.has(app.name)) appsByName.set(app.name, app)
    for (const { name } of app.procs) {
      const short = shortenProcName(name)
      const names = procNames.get(short) ?? new Set()
      procNames.set(short, names.add(name))
    }
  }
  return {
    apps: apps.toSorted((one, other) => compareTexts(one.name, other.name)),
    appsByName,
    procNames,
  }
}

function measureLists(
  { apps }: Inventory,
  volumes: PlannedVolume[],
  jobsByServer: Iterable<PlannedJob[]>,
): PlanSizes {
  const procs = apps.flatMap((app) => app.procs)
  return {
    procsOfApps: measureEach(apps, (app) => app.procs),
    instancesOfProcs: measureEach(procs, (proc) => proc.instances),
    volumesOfInstances: measureEach(
      procs.flatMap((proc) => proc.instances),
      (instance) => instance.volumes,
    ),
    jobsOfVolumes: measureEach(volumes, (volume) => volume.jobs),
    jobsOfServers: measureEach(jobsByServer, (jobs) => jobs),
  }
}

function measureEach<T>(parents: Iterable<T>, listOf: (parent: T) => readonly unknown[]): ListSize {
  const size = { all: 0, most: 0 }
  for (const parent of parents) {
    const { length } = listOf(parent)
    size.all += length
    size.most = Math.max(size.most, length)
  }
  return size
}

/** Sorts the groups by their names and each of them on its own, which is much faster than to sort all of it. */
function sortInGroups<T>(groups: Map<string, T[]>, compare: (one: T, other: T) => number): T[] {
  const names = [...groups.keys()].sort(compareTexts)
  return names.flatMap((name) => groups.get(name)?.toSorted(compare) ?? [])
}

/** The version of a list of jobs: a hash, so that every controller computes the same one for the same jobs. */
export function hashJobs(jobs: Job[]): string {
  return createHash('sha256').update(JSON.stringify(jobs)).digest('hex').slice(0, 32)
}

interface DraftVolume {
  volume: PlannedVolume
  schedules: InventorySchedule[]
}

function* draftVolumes(inventory: Inventory, volumeRoot: string): Generator<DraftVolume> {
  for (const app of inventory.apps) {
    for (const proc of app.procs) {
      for (const instance of proc.instances) {
        for (const volume of instance.volumes)
          yield makeDraft({ app: app.name, proc, instance, volume }, volumeRoot)
      }
    }
  }
}

interface VolumeOrigin {
  app: string
  proc: InventoryProc
  instance: InventoryInstance
  volume: InventoryVolume
}

function makeDraft({ app, proc, instance, volume }: VolumeOrigin, volumeRoot: string): DraftVolume {
  const usual = posix.join(volumeRoot, app, proc.name, String(instance.no), plainName(volume.name))
  return {
    volume: {
      app,
      proc: proc.name,
      instanceNo: instance.no,
      server: instance.server,
      containers: instance.containers,
      name: volume.name,
      path: volume.path ?? usual,
      ...(volume.consistency && { consistency: volume.consistency }),
      jobs: [],
    },
    schedules: volume.schedules,
  }
}

/** Maps each volume that lies inside one of another proc to that outer volume. */
function volumesAbove(volumes: PlannedVolume[]): Map<PlannedVolume, PlannedVolume> {
  const owned = volumes.map((volume) => {
    const { server, path, proc, instanceNo } = volume
    return { server, path, owner: `${proc} ${instanceNo}`, volume }
  })
  return new Map(findNestedPaths(owned).map(({ inner, outer }) => [inner.volume, outer.volume]))
}

/** @param above inner volume → the outer volume of another proc */
function addVolume(
  plan: Plan,
  { volume, schedules }: DraftVolume,
  above: ReadonlyMap<PlannedVolume, PlannedVolume>,
): void {
  const archive = volumeKey(volume.server, makeArchiveName(volume))
  const namesake = plan.volumesByArchive.get(archive)
  const problem = findProblem(volume, namesake) ?? describeNesting(volume, above.get(volume))
  if (problem) {
    plan.problems.push(problem)
    return
  }
  plan.volumesByArchive.set(archive, volume)
  for (const schedule of schedules) {
    const planned = backupJob(volume, schedule)
    if (plan.jobs.has(planned.id)) continue
    volume.jobs.push(planned)
    plan.jobs.set(planned.id, planned)
  }
  plan.volumes.push(volume)
  plan.volumesByName.set(volumeIdentity(volume), volume)
  plan.volumesByPath.set(volumeKey(volume.server, volume.path), volume)
}

function findProblem(volume: PlannedVolume, namesake: PlannedVolume | undefined): string | undefined {
  const what = `Volume ${volume.name} of ${volume.proc}, instance ${volume.instanceNo}, is left out`
  if (!isIPv4(volume.server)) return `${what}: its server "${volume.server}" is not an IPv4 address`
  if (namesake)
    return `${what}: its backups would be named like those of ${namesake.name}; rename one of them`
  return undefined
}

/** Refuses nesting: the container of the outer volume could redirect a backup or recover of the inner one by a link. */
function describeNesting(inner: PlannedVolume, outer: PlannedVolume | undefined): string | undefined {
  if (!outer) return undefined
  const what = `Volume ${inner.name} of ${inner.proc}, instance ${inner.instanceNo}, is left out`
  const where = `volume ${outer.name} of ${outer.proc}, instance ${outer.instanceNo} ("${outer.path}")`
  return `${what}: its directory "${inner.path}" on ${inner.server} lies in ${where}; move one of them`
}

function backupJob(volume: PlannedVolume, schedule: InventorySchedule): PlannedJob {
  const args: BackupArgs = {
    app: volume.app,
    archive: makeArchiveName(volume),
    containers: volume.containers,
    instanceNo: volume.instanceNo,
    mode: schedule.mode,
    path: volume.path,
    postRun: schedule.postRun,
    preRun: schedule.preRun,
    proc: volume.proc,
    volume: volume.name,
  }
  const named = schedule.namesNoMode ? { ...args, mode: '' } : args
  const { spec } = schedule
  const id = jobId(volume.server, { spec, action: 'backup', args: named })
  const job: Job = { id, spec, action: 'backup', args, type: 'cron', sleep: false }
  const options = makeOptions(volume, schedule)
  if (Object.keys(options).length > 0) job.options = options
  return { id, server: volume.server, job, volume, expire: schedule.expire }
}

/** Only the settings that are given, so that a list without settings keeps its version. */
function makeOptions(
  { consistency }: PlannedVolume,
  { mode, timeLimitSeconds, rereadEveryDays }: InventorySchedule,
): JobOptions {
  return {
    ...(timeLimitSeconds && { timeLimitSeconds }),
    ...(consistency && { consistency }),
    ...(rereadEveryDays && mode === 'increment' && { rereadEveryDays }),
  }
}

function makeArchiveName({ app, proc, instanceNo, name }: PlannedVolume): string {
  return archiveName({ app, proc, instanceNo, volume: `/${plainName(name)}` })
}

/** `/data//db/` → `data/db`, as the legacy system joins it. */
function plainName(volume: string): string {
  return posix.normalize(volume).replace(/^\/+|\/+$/g, '')
}

function addServer(plan: Plan, ip: string, volumes: PlannedVolume[]): void {
  const backups = volumes.flatMap((volume) => volume.jobs)
  const expire = expireJob(ip, backups)
  plan.jobs.set(expire.id, expire)
  const jobs = [...backups, expire].map((planned) => planned.job)
  plan.servers.set(ip, { ip, jobs, version: hashJobs(jobs) })
}
