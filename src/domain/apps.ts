import type { InventoryApp, InventoryInstance } from '../wire/inventory.ts'
import { findVolume, type PlannedVolume } from './plan.ts'
import type { World } from './world.ts'

/** Sorted by name. */
export function listApps(world: World): readonly InventoryApp[] {
  return world.inventory.plan.apps
}

export function getApp(world: World, name: string): InventoryApp | undefined {
  return world.inventory.plan.appsByName.get(name)
}

/** The planned volumes of an instance; one left out for a fault is among the inventory's problems. */
export function listPlannedVolumes(
  world: World,
  place: { app: string; proc: string; instance: InventoryInstance },
): PlannedVolume[] {
  const { app, proc, instance } = place
  return instance.volumes
    .map(({ name }) => findVolume(world.inventory.plan, { app, proc, instanceNo: instance.no, name }))
    .filter((volume) => volume !== undefined)
}
