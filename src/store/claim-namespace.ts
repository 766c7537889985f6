import { randomBytes } from 'node:crypto'
import { dropGoneArchives } from './gone-archives.ts'
import { isKnown, type Owner, ownedByOther, readOwner, storeChanged, writeOwner } from './owner.ts'
import type { ClaimOptions } from './store.ts'
import { exclusively, type StoreWorld } from './world.ts'

/**
 * Makes this daemon the owner of its namespace and returns the id of the store. Nothing is written until the store
 * is known to be the right one, so that an empty mount point of an unmounted store stays empty.
 * Throws CONFLICT if another daemon owns it, unless `takeOver`; STORE_CHANGED if it is not the known store.
 */
export async function claimNamespace(
  world: StoreWorld,
  takeOver: boolean,
  options: ClaimOptions = {},
): Promise<string> {
  await world.driver.check()
  checkClaim(world, await readOwner(world), { takeOver, ...options })
  await world.driver.check({ byWriting: true })
  return exclusively(world, async () => {
    const before = await readOwner(world)
    checkClaim(world, before, { takeOver, ...options })
    const storeId = before?.storeId ?? randomBytes(16).toString('hex')
    await writeOwner(world, before, ownerAfter(world, before, { storeId, ...options }))
    if (options.claimStore) await dropGoneArchives(world)
    return storeId
  })
}

function checkClaim(
  world: StoreWorld,
  owner: Owner | undefined,
  { takeOver, claimStore = false }: ClaimOptions & { takeOver: boolean },
): void {
  if (owner && owner.daemonId !== world.identity.daemonId && !takeOver) throw ownedByOther(world, owner)
  if (!claimStore && !isKnown(world, owner)) throw storeChanged(world, owner)
}

function ownerAfter(
  { identity }: StoreWorld,
  before: Owner | undefined,
  { storeId, newRepository = false }: ClaimOptions & { storeId: string },
): Owner {
  const isOurs = before?.daemonId === identity.daemonId
  const epoch = isOurs ? before.epoch : (before?.epoch ?? 0) + 1
  const repository = newRepository ? undefined : before?.repository
  return { daemonId: identity.daemonId, epoch, storeId, ...(repository === undefined ? {} : { repository }) }
}
