import { z } from 'zod'
import { BackupdError } from '../../lib/errors.ts'
import { OWNER } from './layout.ts'
import { readSmall } from './small-objects.ts'
import { exclusively, type StoreWorld } from './world.ts'

/** `<ip>/.owner`: the one daemon that writes to the namespace. `epoch` counts the times it changed hands. */
const ownerSchema = z.object({ daemonId: z.string(), epoch: z.number().int().positive() })
export type Owner = z.infer<typeof ownerSchema>

/** Nobody's id: an owner file that cannot be read is treated as another daemon's. */
const UNREADABLE: Owner = { daemonId: '(unreadable)', epoch: 0 }

/** Makes this daemon the owner. Throws CONFLICT where another one is, unless `takeOver`. */
export async function claimNamespace(world: StoreWorld, takeOver: boolean): Promise<void> {
  await world.driver.check()
  await exclusively(world, async () => {
    const owner = await readOwner(world)
    if (owner?.daemonId === world.identity.daemonId) return
    if (owner && !takeOver) throw ownedByOther(world, owner)
    const claimed: Owner = { daemonId: world.identity.daemonId, epoch: (owner?.epoch ?? 0) + 1 }
    await world.driver.replace(ownerKey(world), Buffer.from(`${JSON.stringify(claimed)}\n`))
  })
}

/**
 * Throws CONFLICT where the namespace is another daemon's, or changed hands since `since`; STORE_UNAVAILABLE where
 * it has no owner at all: then this is not the store that was claimed at start, its mount is gone.
 */
export async function assertOwner(world: StoreWorld, since?: Owner): Promise<Owner> {
  const owner = await readOwner(world)
  if (!owner) throw notClaimed(world)
  if (owner.daemonId !== world.identity.daemonId) throw ownedByOther(world, owner)
  if (since && owner.epoch !== since.epoch) {
    const what = `The namespace ${world.identity.ip} changed hands and came back since this began`
    throw new BackupdError('CONFLICT', `${what}. Run it again`)
  }
  return owner
}

/** Throws STORE_UNAVAILABLE where the namespace has no owner: its mount is gone, and an empty folder would pass for it. */
export async function assertClaimed(world: StoreWorld): Promise<void> {
  if (!(await readOwner(world))) throw notClaimed(world)
}

async function readOwner({ driver, identity }: StoreWorld): Promise<Owner | undefined> {
  const text = await readSmall(driver, `${identity.ip}/${OWNER}`)
  if (!text) return undefined
  try {
    return ownerSchema.parse(JSON.parse(text.toString()))
  } catch {
    return UNREADABLE
  }
}

function ownerKey({ identity }: StoreWorld): string {
  return `${identity.ip}/${OWNER}`
}

function ownedByOther(world: StoreWorld, owner: Owner): BackupdError {
  const { ip, daemonId } = world.identity
  const what = `The namespace ${ip} of the store belongs to the daemon ${owner.daemonId}, not to this one (${daemonId})`
  const then = 'Stop that one and start this one once with --take-over, or give this one its own --ip'
  return new BackupdError('CONFLICT', `${what}. ${then}`, { facts: { owner: owner.daemonId, daemonId } })
}

function notClaimed(world: StoreWorld): BackupdError {
  const what = `"${ownerKey(world)}" is not in the store`
  const then = 'See that the store is mounted; a daemon makes the file when it starts'
  return new BackupdError('STORE_UNAVAILABLE', `${what}. ${then}`)
}
