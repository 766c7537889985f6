import { limitTexts } from '../lib/problems.ts'
import type { AlarmKind, AlarmTarget } from './alarms/alarm.ts'
import { comparePlaces, type PlannedVolume } from './plan.ts'
import { listServerFindings } from './read-whole-health.ts'
import { readVolumeHealth } from './volume-health.ts'
import type { World } from './world.ts'

const MAX_REASONS = 5

/** What is wrong with one thing, in one sentence or two that name it. */
export function describeFault(world: World, target: AlarmTarget, kind: AlarmKind): string {
  if (target.volume) return describeVolume(world, target)
  if (target.server !== null) return `${target.server}: ${describeServer(world, target.server, kind)}`
  return limitTexts(world.alarms.ownReasons.get(kind) ?? ['It is over already'], MAX_REASONS).join('. ')
}

function describeVolume(world: World, { server, volume: place }: AlarmTarget): string {
  if (!place) return ''
  const volume = findVolumeOn(world, place, server ?? '')
  const because = volume ? readVolumeHealth(world, volume).because : 'It is no longer in the inventory'
  return `${place.name} of ${place.proc}, instance ${place.instanceNo}: ${because}`
}

function findVolumeOn(
  { inventory }: World,
  place: NonNullable<AlarmTarget['volume']>,
  server: string,
): PlannedVolume | undefined {
  const volumes = inventory.plan.parts.servers.get(server)?.volumes ?? []
  return volumes.find((volume) => comparePlaces(volume, place) === 0)
}

function describeServer(world: World, ip: string, kind: AlarmKind): string {
  const server = world.servers.get(ip)
  const findings = server ? listServerFindings(world, server) : []
  return findings.find(({ state }) => state === kind)?.because ?? 'It is over already'
}
