import { randomBytes } from 'node:crypto'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { repositoryExists } from '../restic/repository/open-repository.ts'
import { placeOfRepository } from './kinds/series/repository-place.ts'
import { RESERVE } from './layout.ts'
import { assertOwner } from './owner.ts'
import type { StoreWorld } from './world.ts'

/** A lock and a full index file of a repository. */
const BYTES = 4 * 1024 * 1024

/**
 * Deletes in the increments of the own namespace: that takes a little room itself, for a lock and for an index
 * without what goes. Where the store has none, the reserve is given up and `act` begins anew.
 */
export async function withReserve<T>(world: StoreWorld, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!isFull(error) || !(await giveUp(world))) throw error
  }
  try {
    return await act()
  } finally {
    await keepReserve(world)
  }
}

/** Sees that the reserve is there, where there are increments and room. Never throws. */
export async function keepReserve(world: StoreWorld): Promise<void> {
  const { driver, identity } = world
  try {
    if (await driver.stat(nameOf(world))) return
    if (!(await repositoryExists(placeOfRepository(driver, identity.ip)))) return
    if ((await driver.space()).freeBytes < BYTES) return
    await assertOwner(world)
    // Random, since some file systems keep no room for what they can compress.
    await driver.replace(nameOf(world), randomBytes(BYTES))
  } catch (error) {
    if (!isFull(error)) world.warn(`The reserve of the store cannot be made: ${messageOf(error)}`)
  }
}

/** Whether there was one. */
async function giveUp(world: StoreWorld): Promise<boolean> {
  const { driver, identity } = world
  if (!(await driver.stat(nameOf(world)))) return false
  await assertOwner(world)
  await driver.remove(nameOf(world))
  await driver.syncFolder(identity.ip)
  return true
}

function nameOf({ identity }: StoreWorld): string {
  return `${identity.ip}/${RESERVE}`
}

function isFull(error: unknown): boolean {
  return error instanceof BackupdError && error.code === 'STORE_FULL'
}
