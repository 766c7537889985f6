import { BackupdError } from '../lib/errors.ts'
import { doInSlices } from '../lib/in-slices.ts'
import { isZone, localZone } from '../lib/schedule/zone.ts'
import { countDays, listDays, type VolumeDay } from './health/days.ts'
import type { PlannedVolume } from './plan.ts'
import type { World } from './world.ts'

export const MAX_DAYS = 400

/**
 * How the runs of each of the last `count` days ended, oldest first, and how many planned times passed without one.
 * @param zone undefined: that of the daemon. Throws BAD_INPUT for one that does not exist
 */
export async function readVolumeDays(
  world: World,
  planned: PlannedVolume,
  { count, zone }: { count: number; zone: string | undefined },
): Promise<VolumeDay[]> {
  checkQuestion(count, zone)
  const { health, ports, settings } = world
  const { app, proc, instanceNo, name: volume, server } = planned
  const place = { app, proc, instanceNo, volume }
  const ownZone = health.servers.readZone(server)
  const now = health.clock.now()
  const days = listDays(count, zone ?? (isZone(ownZone ?? '') ? (ownZone ?? '') : localZone()), now)
  const [from, to] = [days[0]?.begin ?? now, days.at(-1)?.end ?? now]
  const [runs, forgotten, periods] = await Promise.all([
    ports.records.runsOfVolume(place, from, to),
    ports.records.forgottenDays(place, days[0]?.date ?? ''),
    ports.health.periods(place),
  ])
  const graceMs = settings.overdueGraceMs
  return doInSlices(countDays({ days, runs, forgotten, periods, zone: ownZone, now, graceMs }))
}

function checkQuestion(count: number, zone: string | undefined): void {
  if (count < 1 || count > MAX_DAYS)
    throw new BackupdError('BAD_INPUT', `n: ${count} is not a number of days: ask for 1 to ${MAX_DAYS}`)
  if (zone !== undefined && !isZone(zone))
    throw new BackupdError('BAD_INPUT', `zone: "${zone}" does not exist, expected one such as Europe/Berlin`)
}
