import { badCursor, encodeCursor, parseCursor, parseKeyList } from '../wire/cursor.ts'
import type { Page, Slice } from '../wire/listing.ts'
import { findFirst } from './cut-page.ts'
import { VOLUME_STATES, type VolumeState } from './health/states.ts'
import { comparePlaces, type PlannedVolume, parsePlaceParts, type VolumePlace } from './plan.ts'
import { readVolumeState } from './volume-health.ts'
import type { World } from './world.ts'

export interface WorstFirst {
  /** All volumes that may match, sorted by place. */
  candidates: readonly PlannedVolume[]
  /** They are all volumes of the plan, so that those in one state can be taken from the board. */
  isWhole: boolean
  matches(volume: PlannedVolume): boolean
}

const CURSOR = 'volume by health'
/** More volumes in one state are not sorted for a page: they are searched for in the sorted candidates. */
const MAX_SORTED = 1000

/** By the worst state of a volume, then by place. Throws BAD_INPUT for a bad cursor. */
export function findWorstFirst(world: World, list: WorstFirst, page: Page): Slice<PlannedVolume> {
  const items: Slice<PlannedVolume>['items'] = []
  for (const [rank, volume] of listFrom(world, list, parsePosition(page))) {
    if (!list.matches(volume)) continue
    if (items.length === page.first) return { items, hasNextPage: true }
    const { app, proc, instanceNo, name } = volume
    const cursor = encodeCursor(CURSOR, JSON.stringify([rank, app, proc, instanceNo, name]))
    items.push({ cursor, node: volume })
  }
  return { items, hasNextPage: false }
}

interface Position {
  rank: number
  /** Within this rank, only what comes after; undefined: all. */
  place: VolumePlace | undefined
}

function* listFrom(world: World, list: WorstFirst, after: Position): Generator<[number, PlannedVolume]> {
  for (let rank = after.rank; rank < VOLUME_STATES.length; rank++) {
    const sorted = listInState(world, list, VOLUME_STATES[rank] as VolumeState)
    const place = rank === after.rank ? after.place : undefined
    const begin = place === undefined ? 0 : findFirst(sorted, (volume) => comparePlaces(volume, place) > 0)
    for (let at = begin; at < sorted.length; at++) {
      const volume = sorted[at] as PlannedVolume
      // Candidates of a long list have all states.
      if (readVolumeState(world, volume) === VOLUME_STATES[rank]) yield [rank, volume]
    }
  }
}

/** Sorted by place: those in this state, or all candidates if there are many. */
function listInState(
  { health, inventory }: World,
  list: WorstFirst,
  state: VolumeState,
): readonly PlannedVolume[] {
  const isCurrent = health.adopted === inventory.plan
  const inState = health.volumes.listIn(state)
  if (isCurrent && inState.size === 0) return []
  if (!isCurrent || !list.isWhole || inState.size > MAX_SORTED) return list.candidates
  return [...inState].map(({ planned }) => planned).sort(comparePlaces)
}

function parsePosition(page: Page): Position {
  const key = parseCursor(CURSOR, page)
  if (key === undefined) return { rank: 0, place: undefined }
  const [rank, ...parts] = parseKeyList(key)
  const place = parsePlaceParts(parts)
  const isRank = Number.isInteger(rank) && VOLUME_STATES[rank as number] !== undefined
  if (!place || !isRank) throw badCursor(page.after ?? '')
  return { rank: rank as number, place }
}
