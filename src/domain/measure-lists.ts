import type { Interruptible } from '../lib/in-slices.ts'
import type { Inventory, InventoryInstance, InventoryProc } from '../wire/inventory.ts'
import type { ListSize, Plan, PlannedJob, PlanSizes } from './plan.ts'

export interface MeasuredPlan extends Pick<Plan, 'volumes'> {
  jobsByServer: ReadonlyMap<string, readonly PlannedJob[]>
}

/** Measures the lists of some apps, or of all. */
export function* measureLists(
  { apps }: Pick<Inventory, 'apps'>,
  { volumes, jobsByServer }: MeasuredPlan,
): Interruptible<PlanSizes> {
  const procs = apps.flatMap((app) => app.procs)
  return {
    procsOfApps: yield* measureEach(apps, (app) => app.procs),
    instancesOfProcs: yield* measureEach(procs, (proc) => proc.instances),
    volumesOfInstances: yield* measureEach(listInstances(procs), (instance) => instance.volumes),
    jobsOfVolumes: yield* measureEach(volumes, (volume) => volume.jobs),
    jobsOfServers: yield* measureEach(jobsByServer.values(), (jobs) => jobs),
  }
}

function* listInstances(procs: readonly InventoryProc[]): Generator<InventoryInstance> {
  for (const { instances } of procs) yield* instances
}

function* measureEach<T>(
  parents: Iterable<T>,
  listOf: (parent: T) => readonly unknown[],
): Interruptible<ListSize> {
  const size = { all: 0, most: 0 }
  for (const parent of parents) {
    const { length } = listOf(parent)
    size.all += length
    size.most = Math.max(size.most, length)
    yield
  }
  return size
}

export const NO_SIZES: PlanSizes = {
  procsOfApps: { all: 0, most: 0 },
  instancesOfProcs: { all: 0, most: 0 },
  volumesOfInstances: { all: 0, most: 0 },
  jobsOfVolumes: { all: 0, most: 0 },
  jobsOfServers: { all: 0, most: 0 },
}
