import type { Interruptible } from '../../lib/in-slices.ts'
import { findSorted } from '../../lib/sorted-list.ts'
import { comparePlacesAndServers, findVolume, type Plan, type PlannedVolume } from '../plan.ts'
import type { HealthBoard } from './board.ts'

/** Takes over the volumes of a plan that came into force; those that did not change keep what is known of them. */
export function* adoptPlan(board: HealthBoard, plan: Plan): Interruptible<void> {
  const { adopted } = board
  board.adopting = plan
  for (const volume of plan.volumes) {
    board.takeVolume(volume, adopted && findEarlier(adopted, plan, volume))
    yield
  }
  for (const volume of adopted?.volumes ?? []) {
    if (findSame(plan, volume) !== volume) board.dropVolume(volume)
    yield
  }
  board.adopted = plan
  board.adopting = undefined
}

/** What it was in the plan before: the same volume edited, or one that moved here from another server. */
function findEarlier(before: Plan, plan: Plan, volume: PlannedVolume): PlannedVolume | undefined {
  const same = findSame(before, volume)
  if (same) return same
  const moved = findVolume(before, volume)
  return moved && !findSame(plan, moved) ? moved : undefined
}

/** While a proc moves, lainlet can have an instance on two servers. */
function findSame({ volumes }: Plan, wanted: PlannedVolume): PlannedVolume | undefined {
  return findSorted(volumes, (volume) => comparePlacesAndServers(volume, wanted))
}
