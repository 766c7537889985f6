import { isoTime } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { Inventory, InventoryNews } from '../wire/inventory.ts'
import type { InventoryState } from './inventory-state.ts'
import { makePlan, makePlanInSlices } from './make-plan.ts'
import { findVolume, type Plan } from './plan.ts'
import { applyInventory } from './servers.ts'
import { updateHealthSoon } from './update-health.ts'
import { trustedNow, type World } from './world.ts'

export const HELD_FOR_MS = 10 * 60_000
/** With at least this many volumes, losing more than half counts as sudden; losing all always does. */
const MANY_VOLUMES = 10

/** `since` before any inventory was in force. */
const NEVER_IN_FORCE = isoTime(0)
const NONE_YET = 'No inventory has been read since the start; the last one stays in force'

export function emptyInventory(): InventoryState {
  return { plan: makePlan({ apps: [] }, '/'), since: NEVER_IN_FORCE, problem: NONE_YET, held: null }
}

/** Puts the remembered inventory in force until a source gives a new one. */
export async function restoreInventory(world: World): Promise<void> {
  const remembered = await world.ports.inventoryMemory.load()
  if (remembered) activatePlan(world, await makePlanInSlices(remembered, world.settings.volumeRoot))
}

/** Whether an inventory is in force that can stay while the source is broken. */
export function hasInventory({ inventory }: World): boolean {
  return inventory.since !== NEVER_IN_FORCE
}

/** Applies news of the source: puts the inventory in force, holds it, or reports it as broken and ignores it. */
export async function acceptInventory(world: World, news: InventoryNews): Promise<void> {
  const state = world.inventory
  if (news.kind === 'broken') {
    state.problem = news.problem
    // A held change may come into force only if the source can still be read.
    state.held = null
    world.log.error(
      { problem: news.problem },
      'The inventory cannot be used; the last good one stays in force',
    )
    return
  }
  const wasRefused = (state.problem !== null && state.problem !== NONE_YET) || state.held !== null
  state.problem = null
  const plan = await makePlanInSlices(news.inventory, world.settings.volumeRoot, state.plan)
  plan.problems.unshift(...(news.faults ?? []))
  const lost = await doInSlices(countLostVolumes(state.plan, plan))
  if (isSudden(lost, state.plan.volumes.length)) return hold(world, plan, lost)
  await accept(world, plan)
  if (wasRefused) world.log.info({}, `The inventory is in force again; volumes in it: ${plan.volumes.length}`)
}

/** Puts a held change in force after its delay, if the source still has it. */
export async function releaseHeld(world: World): Promise<void> {
  const { held } = world.inventory
  if (!held || trustedNow(world) < held.until) return
  await world.rereadInventory()
  if (world.inventory.held === held) await accept(world, held.plan)
}

function* countLostVolumes(from: Plan, to: Plan): Interruptible<number> {
  let lost = 0
  for (const volume of from.volumes) {
    if (!findVolume(to, volume)) lost += 1
    yield
  }
  return lost
}

function isSudden(lost: number, of: number): boolean {
  return of > 0 && (lost === of || (of >= MANY_VOLUMES && lost > of / 2))
}

function hold(world: World, plan: Plan, lost: number): void {
  const { held, plan: inForce } = world.inventory
  const now = trustedNow(world)
  const since = held && held.lostVolumes >= lost ? held.since : now
  world.inventory.held = {
    plan,
    lostVolumes: lost,
    ofVolumes: inForce.volumes.length,
    since,
    until: since + HELD_FOR_MS,
  }
  world.log.error(
    { lost, of: inForce.volumes.length, until: isoTime(since + HELD_FOR_MS) },
    `The new inventory loses ${lost} of ${inForce.volumes.length} volumes: it is held until ${isoTime(since + HELD_FOR_MS)}, the previous one stays in force; put the volumes back if this is a mistake`,
  )
}

async function accept(world: World, plan: Plan): Promise<void> {
  world.inventory.held = null
  if (plan.problems.length > 0) world.log.warn({ problems: plan.problems }, 'The inventory has faults')
  activatePlan(world, plan)
  updateHealthSoon(world)
  await applyInventory(world)
  await remember(world, plan.inventory)
}

function activatePlan(world: World, plan: Plan): void {
  world.inventory.plan = plan
  world.inventory.since = isoTime(world.clock.now())
  world.settings.onInForce?.(plan)
}

async function remember(world: World, inventory: Inventory): Promise<void> {
  try {
    await world.ports.inventoryMemory.save(inventory)
    world.problems.clear('inventory', 'remember')
  } catch (error) {
    const text = `Cannot remember the inventory for the next start: ${messageOf(error)}`
    world.log.error({ err: error }, text)
    world.problems.report({ source: 'inventory', key: 'remember', text })
  }
}
