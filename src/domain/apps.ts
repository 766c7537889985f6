import type { InventoryApp, InventoryInstance } from '../wire/inventory.ts'
import { findVolume, type PlannedVolume } from './plan.ts'
import { seesApp, seesEverything, type UserWorld } from './user-world.ts'
import type { World } from './world.ts'

/** Sorted by name. */
export function listApps(world: UserWorld): readonly InventoryApp[] {
  const { apps } = world.inventory.plan
  return seesEverything(world) ? apps : apps.filter(({ name }) => seesApp(world, name))
}

export function getApp(world: UserWorld, name: string): InventoryApp | undefined {
  return seesApp(world, name) ? world.inventory.plan.appsByName.get(name) : undefined
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
