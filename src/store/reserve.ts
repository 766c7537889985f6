import { randomBytes } from 'node:crypto'
import { hasCode, messageOf } from '../lib/errors.ts'
import { repositoryExists } from '../restic/repository/open-repository.ts'
import { placeOfRepository } from './kinds/series/repository-place.ts'
import { RESERVE } from './layout.ts'
import { assertOwner } from './owner.ts'
import type { StoreWorld } from './world.ts'

/** Room for a lock and a full index file of a repository. */
const RESERVE_BYTES = 4 * 1024 * 1024

/**
 * Runs a delete in the own increments. That needs some space itself, for a lock and for a new index; if the store is
 * full, the reserve file is deleted and `act` runs again from the start.
 */
export async function withReserve<T>(world: StoreWorld, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!isFull(error) || !(await deleteReserve(world))) throw error
  }
  try {
    return await act()
  } finally {
    await keepReserve(world)
  }
}

/** Creates the reserve file if it is missing, there are increments, and the store has limited room left. Never throws. */
export async function keepReserve(world: StoreWorld): Promise<void> {
  const { driver, identity } = world
  try {
    if (await driver.stat(reserveKey(world))) return
    if (!(await repositoryExists(placeOfRepository(driver, identity.ip)))) return
    const space = await driver.space?.()
    if (!space?.isEnforced || space.freeBytes < RESERVE_BYTES) return
    await assertOwner(world)
    // Random bytes, because a file system that compresses would reserve no space for zeros.
    await driver.replace(reserveKey(world), randomBytes(RESERVE_BYTES))
  } catch (error) {
    if (!isFull(error)) world.warn(`Cannot create the reserve of the store: ${messageOf(error)}`)
  }
}

/** False if there was no reserve to delete. */
async function deleteReserve(world: StoreWorld): Promise<boolean> {
  const { driver, identity } = world
  if (!(await driver.stat(reserveKey(world)))) return false
  await assertOwner(world)
  await driver.remove(reserveKey(world))
  await driver.syncFolder?.(identity.ip)
  return true
}

function reserveKey({ identity }: StoreWorld): string {
  return `${identity.ip}/${RESERVE}`
}

export function isFull(error: unknown): boolean {
  return hasCode(error, 'STORE_FULL')
}
