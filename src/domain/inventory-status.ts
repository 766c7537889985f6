import type { InventoryState } from './inventory-state.ts'
import { seesApp, seesEverything, seesServer, type UserWorld } from './user-world.ts'

/** The inventory in force, as a caller may see it. */
export interface ShownInventory extends Pick<InventoryState, 'since' | 'problem' | 'held'> {
  volumes: number
  servers: number
  faults: string[]
}

export function readInventoryStatus(world: UserWorld): ShownInventory {
  const { plan, since, problem, held } = world.inventory
  if (seesEverything(world))
    return {
      since,
      problem,
      held,
      volumes: plan.volumes.length,
      servers: plan.servers.size,
      faults: plan.problems,
    }
  return {
    since,
    // The texts may name any app, and what is held counts all volumes.
    problem: problem && 'It cannot be read. Those who may see everything are told why',
    held: null,
    volumes: plan.volumes.filter(({ app }) => seesApp(world, app)).length,
    servers: [...plan.servers.keys()].filter((ip) => seesServer(world, ip)).length,
    faults: [],
  }
}
