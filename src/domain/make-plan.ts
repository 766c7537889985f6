import { compareTexts } from '../lib/compare-texts.ts'
import { doAtOnce, doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Inventory, InventoryApp } from '../wire/inventory.ts'
import { shortenProcName } from '../wire/proc-names.ts'
import { measureLists, NO_SIZES } from './measure-lists.ts'
import {
  comparePlacesAndServers,
  listServerJobs,
  type Plan,
  type PlannedJob,
  type PlannedServer,
  type PlannedVolume,
} from './plan.ts'
import { planServer } from './plan-server.ts'
import { planVolumes } from './plan-volumes.ts'
import { findJobApp } from './planned-job.ts'

/** @param volumeRoot the directory of volumes whose path the inventory does not name */
export function makePlan(inventory: Inventory, volumeRoot: string): Plan {
  return doAtOnce(planInventory(inventory, volumeRoot))
}

/**
 * The same, between turns of the event loop, and as a difference: an app that is the same object as in `previous` keeps
 * its volumes and jobs, and a server with the same volumes its list.
 */
export function makePlanInSlices(inventory: Inventory, volumeRoot: string, previous?: Plan): Promise<Plan> {
  return doInSlices(planInventory(inventory, volumeRoot, previous))
}

function* planInventory(inventory: Inventory, volumeRoot: string, previous?: Plan): Interruptible<Plan> {
  const plan = startPlan(inventory, volumeRoot)
  const known = previous?.parts.volumeRoot === volumeRoot ? previous.parts : undefined
  for (const app of inventory.apps)
    plan.parts.apps.set(app, known?.apps.get(app) ?? (yield* planVolumes(app, volumeRoot)))
  const volumes = yield* joinLists(plan.parts.apps.values())
  for (const [ip, there] of yield* groupInSteps(volumes, ({ server }) => server)) {
    const before = known?.servers.get(ip)
    const isSame = before !== undefined && haveSameItems(before.volumes, there)
    plan.parts.servers.set(ip, isSame ? before : yield* planServer(ip, there))
    yield
  }
  yield* addVolumes(plan, volumes)
  yield* addServers(plan)
  yield* sortLists(plan, volumes)
  plan.sizes = yield* measureLists(inventory, plan)
  return plan
}

function* joinLists<T>(lists: Iterable<readonly T[]>): Interruptible<T[]> {
  const joined: T[] = []
  for (const list of lists) {
    for (const item of list) joined.push(item)
    yield
  }
  return joined
}

/** Map.groupBy() for lists that are too long for one piece. */
function* groupInSteps<T>(items: readonly T[], keyOf: (item: T) => string): Interruptible<Map<string, T[]>> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
    yield
  }
  return groups
}

function startPlan(inventory: Inventory, volumeRoot: string): Plan {
  return {
    inventory,
    volumes: [],
    jobs: [],
    servers: new Map(),
    jobsByApp: new Map(),
    jobsByServer: new Map(),
    ...indexApps(inventory),
    serversByApp: new Map(),
    sizes: NO_SIZES,
    problems: [],
    parts: { volumeRoot, apps: new Map(), servers: new Map() },
  }
}

function haveSameItems<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, n) => item === other[n])
}

function* addVolumes(plan: Plan, volumes: PlannedVolume[]): Interruptible<void> {
  for (const volume of volumes) {
    yield
    const problem = plan.parts.servers.get(volume.server)?.problems.get(volume)
    if (problem === undefined) addVolume(plan, volume)
    else plan.problems.push(problem)
  }
}

function addVolume(plan: Plan, volume: PlannedVolume): void {
  const { app, server, jobs } = volume
  for (const job of jobs) addJob(plan, job)
  const servers = plan.serversByApp.get(app)
  if (servers) servers.add(server)
  else plan.serversByApp.set(app, new Set([server]))
}

function addJob(plan: Plan, job: PlannedJob): void {
  const app = findJobApp(job)
  const jobs = plan.jobsByApp.get(app)
  if (jobs) jobs.push(job)
  else plan.jobsByApp.set(app, [job])
}

function* addServers(plan: Plan): Interruptible<void> {
  for (const [ip, { plan: ofServer, jobs }] of plan.parts.servers) {
    yield
    if (!ofServer) continue
    plan.servers.set(ip, ofServer)
    plan.jobsByServer.set(ip, jobs)
    for (const job of listServerJobs(jobs)) addJob(plan, job)
  }
}

/** Sorts the groups by their names and each of them on its own, which is much faster than to sort all of it. */
function* sortLists(plan: Plan, volumes: readonly PlannedVolume[]): Interruptible<void> {
  const { servers } = plan.parts
  const volumesByApp = yield* groupInSteps(volumes, ({ app }) => app)
  for (const app of [...volumesByApp.keys()].sort(compareTexts)) {
    yield
    for (const volume of volumesByApp.get(app)?.toSorted(comparePlacesAndServers) ?? [])
      if (!servers.get(volume.server)?.problems.has(volume)) plan.volumes.push(volume)
  }
  // The ids of a server's jobs begin with its address.
  for (const { sortedJobs } of sortServers(servers.values())) {
    yield
    for (const job of sortedJobs) plan.jobs.push(job)
  }
}

function sortServers(servers: Iterable<PlannedServer>): PlannedServer[] {
  const firstId = ({ sortedJobs }: PlannedServer) => sortedJobs[0]?.id ?? ''
  return [...servers].sort((one, other) => compareTexts(firstId(one), firstId(other)))
}

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
