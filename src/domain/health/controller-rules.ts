import { isoTime } from '../../lib/clock.ts'
import { DISK_SOURCE } from '../../lib/data-room.ts'
import type { Problem } from '../../lib/problems.ts'
import type { InventoryState } from '../inventory-state.ts'
import type { Finding } from './server-rules.ts'

/** Worst first. */
export const CONTROLLER_STATES = [
  'CATALOG_BROKEN',
  'CATALOG_DISK',
  'INVENTORY_BROKEN',
  'INVENTORY_HELD',
  'INVENTORY_INCOMPLETE',
  'CLOCK_OFF',
  'DEGRADED',
  'OK',
] as const
export type ControllerHealthState = (typeof CONTROLLER_STATES)[number]

export interface ControllerFacts {
  /** Why the catalog cannot be read; null if it can. */
  catalogProblem: string | null
  inventory: InventoryState
  /** Of the controller itself, not of servers. */
  problems: readonly Problem[]
  /** The clock is in doubt, so that nothing becomes overdue. */
  isFrozen: boolean
}

/** What is wrong with the controller itself, worst first; OK if nothing is. */
export function judgeController(facts: ControllerFacts): Finding<ControllerHealthState>[] {
  const found = [...findOwnFaults(facts)]
  return found.length > 0 ? found : [{ state: 'OK', because: 'The controller works' }]
}

function* findOwnFaults(facts: ControllerFacts): Generator<Finding<ControllerHealthState>> {
  const { catalogProblem, inventory, problems, isFrozen } = facts
  if (catalogProblem !== null) yield { state: 'CATALOG_BROKEN', because: catalogProblem }
  for (const { text } of problems.filter(isOfDisk)) yield { state: 'CATALOG_DISK', because: text }
  yield* findInventoryFaults(inventory)
  if (isFrozen) yield { state: 'CLOCK_OFF', because: describeDoubt(problems) }
  for (const { source, text } of problems)
    if (source !== DISK_SOURCE && !(isFrozen && source === CLOCK_SOURCE))
      yield { state: 'DEGRADED', because: text }
}

const CLOCK_SOURCE = 'clock'

function isOfDisk({ source }: Problem): boolean {
  return source === DISK_SOURCE
}

function* findInventoryFaults({
  problem,
  held,
  plan,
}: InventoryState): Generator<Finding<ControllerHealthState>> {
  if (problem !== null) yield { state: 'INVENTORY_BROKEN', because: `The inventory: ${problem}` }
  if (held) {
    const lost = `${held.lostVolumes} of ${held.ofVolumes} volumes`
    yield {
      state: 'INVENTORY_HELD',
      because: `The new inventory loses ${lost}: it is held until ${isoTime(held.until)}`,
    }
  }
  const [first] = plan.problems
  if (first === undefined) return
  const more = plan.problems.length === 1 ? '' : ` (and ${plan.problems.length - 1} more)`
  yield { state: 'INVENTORY_INCOMPLETE', because: `The inventory: ${first}${more}` }
}

/** Says once for all volumes what the doubt means for them. */
function describeDoubt(problems: readonly Problem[]): string {
  const told = problems.find(({ source }) => source === CLOCK_SOURCE)?.text ?? 'The clock is in doubt'
  return `${told.replace(/\.$/, '')}. Until it is trusted again, no volume becomes OVERDUE or NEVER`
}
