import { compareTexts } from '../lib/compare-texts.ts'
import { badCursor, parseCursor, parseKeyList } from '../wire/cursor.ts'
import { countMatches, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import { cutPage, findFirst } from './cut-page.ts'
import type { VolumeState } from './health/states.ts'
import { findWorstFirst } from './list-worst-first.ts'
import {
  comparePlaces,
  type PlannedVolume,
  parsePlaceParts,
  type VolumePlace,
  volumeIdentity,
} from './plan.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'
import { readVolumeState } from './volume-health.ts'
import type { World } from './world.ts'

export interface VolumeFilter {
  app?: string | undefined
  /** Short or full. */
  proc?: string | undefined
  volume?: string | undefined
  instanceNo?: number | undefined
  server?: string | undefined
  /** The worst state of its health: one of these. */
  states?: VolumeState[] | undefined
}

const CURSOR = 'volume'

/** Sorted by app, proc, instance and name. Throws BAD_INPUT for a bad cursor. */
export function findVolumes(world: UserWorld, filter: VolumeFilter, page: Page): Slice<PlannedVolume> {
  const after = parsePlace(page)
  return cutPage(listCandidates(world, filter), page, {
    matches: (volume) => matchesFilter(world, volume, filter),
    cursor: (volume) => [CURSOR, volumeIdentity(volume)],
    isReached: (volume) => after === undefined || comparePlaces(volume, after) > 0,
  })
}

/** By the worst state of their health, then as above. */
export function findWorstVolumes(world: UserWorld, filter: VolumeFilter, page: Page): Slice<PlannedVolume> {
  const list = {
    candidates: listCandidates(world, filter),
    isWhole: filter.app === undefined,
    matches: (volume: PlannedVolume) => matchesFilter(world, volume, filter),
  }
  return findWorstFirst(world, list, page)
}

export function countVolumes(world: UserWorld, filter: VolumeFilter): ListCount {
  return countMatches(listCandidates(world, filter), (volume) => matchesFilter(world, volume, filter))
}

/** The volumes of an app lie side by side. */
function listCandidates({ inventory }: World, { app }: VolumeFilter): readonly PlannedVolume[] {
  const { volumes } = inventory.plan
  if (app === undefined) return volumes
  const begin = findFirst(volumes, (volume) => compareTexts(volume.app, app) >= 0)
  const end = findFirst(volumes, (volume) => compareTexts(volume.app, app) > 0)
  return volumes.slice(begin, end)
}

function matchesFilter(world: UserWorld, planned: PlannedVolume, filter: VolumeFilter): boolean {
  const { proc, volume, instanceNo, server, states } = filter
  return (
    (seesEverything(world) || seesApp(world, planned.app)) &&
    (states === undefined || states.includes(readVolumeState(world, planned))) &&
    (server === undefined || planned.server === server) &&
    (instanceNo === undefined || planned.instanceNo === instanceNo) &&
    (volume === undefined || planned.name === volume) &&
    (proc === undefined || isProcNamed(planned.proc, proc))
  )
}

function parsePlace(page: Page): VolumePlace | undefined {
  const key = parseCursor(CURSOR, page)
  if (key === undefined) return undefined
  const place = parsePlaceParts(parseKeyList(key))
  if (!place) throw badCursor(page.after ?? '')
  return place
}
