import { isIPv4 } from 'node:net'
import { posix } from 'node:path'
import { flattenText } from '../lib/flat-text.ts'
import type { Interruptible } from '../lib/in-slices.ts'
import { archiveName } from '../wire/archive-name.ts'
import type {
  InventoryApp,
  InventoryInstance,
  InventoryProc,
  InventorySchedule,
  InventoryVolume,
} from '../wire/inventory.ts'
import type { PlannedJob, PlannedVolume } from './plan.ts'
import { BackupJob } from './planned-job.ts'

/**
 * Plans the volumes of an app with their jobs, regardless of all others. A volume without a valid server has no jobs.
 * @param volumeRoot the directory of volumes whose path the inventory does not name
 */
export function* planVolumes(
  { name: app, procs }: InventoryApp,
  volumeRoot: string,
): Interruptible<PlannedVolume[]> {
  const planned: PlannedVolume[] = []
  for (const proc of procs) {
    for (const instance of proc.instances) {
      for (const volume of instance.volumes) {
        planned.push(planVolume({ app, proc, instance, volume }, volumeRoot))
        yield
      }
    }
  }
  return planned
}

interface VolumeOrigin {
  app: string
  proc: InventoryProc
  instance: InventoryInstance
  volume: InventoryVolume
}

function planVolume({ app, proc, instance, volume }: VolumeOrigin, volumeRoot: string): PlannedVolume {
  const inside = plainName(volume.name)
  const usual = posix.join(volumeRoot, app, proc.name, String(instance.no), inside)
  const planned: PlannedVolume = {
    app,
    proc: proc.name,
    instanceNo: instance.no,
    server: instance.server,
    containers: instance.containers,
    name: volume.name,
    path: volume.path ?? flattenText(usual),
    archive: flattenText(
      archiveName({ app, proc: proc.name, instanceNo: instance.no, volume: `/${inside}` }),
    ),
    ...(volume.consistency && { consistency: volume.consistency }),
    ...(volume.verify && { verify: volume.verify }),
    ...(volume.drill && { drill: volume.drill }),
    ...(volume.recoverHooks && { recoverHooks: volume.recoverHooks }),
    jobs: [],
  }
  if (isIPv4(planned.server)) planned.jobs = planJobs(planned, volume.schedules)
  return planned
}

/** Of two jobs with one id, the first counts. */
function planJobs(volume: PlannedVolume, schedules: InventorySchedule[]): PlannedJob[] {
  const jobs = new Map<string, PlannedJob>()
  for (const schedule of schedules) {
    const planned = new BackupJob(volume, schedule)
    if (!jobs.has(planned.id)) jobs.set(planned.id, planned)
  }
  return [...jobs.values()]
}

/** `/data//db/` → `data/db`, as the legacy system joins it. */
function plainName(volume: string): string {
  return posix.normalize(volume).replace(/^\/+|\/+$/g, '')
}
