import { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'
import { tryReadSmall } from '../objects/small-objects.ts'
import { OWNER } from './layout.ts'
import type { StoreWorld } from './world.ts'

/** `<ip>/.owner`: the one daemon that writes to the namespace. `epoch` counts the times it changed hands. */
const ownerSchema = z.object({
  daemonId: z.string(),
  epoch: z.number().int().positive(),
  /** Generated once for each namespace; stays the same for a new owner and in a copy. Older daemons wrote none. */
  storeId: z.string().optional(),
  /** The id of the increment repository, once there is one. */
  repository: z.string().optional(),
})
export type Owner = z.infer<typeof ownerSchema>

/** No daemon has this id: an owner file that cannot be read counts as another daemon's. */
const UNREADABLE_ID = '(unreadable)'

/** `problem`: why the store did not give the file; undefined if it did, but the content is wrong. */
type UnreadableOwner = Owner & { problem?: string }

function makeUnreadable(problem?: string): UnreadableOwner {
  return { daemonId: UNREADABLE_ID, epoch: 0, ...(problem !== undefined && { problem }) }
}

/**
 * Throws CONFLICT if the namespace is another daemon's, or changed hands since `since`; STORE_CHANGED if it is not the
 * one this daemon knows; STORE_UNAVAILABLE if it has no owner and nothing is known of it.
 */
export async function assertOwner(world: StoreWorld, since?: Owner): Promise<Owner> {
  const owner = await readOwner(world)
  if (owner && owner.daemonId !== world.identity.daemonId) throw ownedByOther(world, owner)
  checkKnown(world, owner)
  if (!owner) throw notClaimed(world)
  if (since && owner.epoch !== since.epoch) {
    const what = `The namespace ${world.identity.ip} had another owner for a while since this began`
    throw new BackupdError('CONFLICT', `${what}. Run it again`)
  }
  return owner
}

/** Checks before anything is created, the lock included: an empty mount point of an unmounted store stays empty. */
export async function asOwner<T>(world: StoreWorld, act: () => Promise<T>): Promise<T> {
  await assertOwner(world)
  return act()
}

/** Throws STORE_CHANGED if this is not the known store; STORE_UNAVAILABLE if `isEmpty` and it has no owner. */
export async function assertClaimed(world: StoreWorld, isEmpty: boolean): Promise<void> {
  const owner = await readKnownOwner(world)
  if (isEmpty && !owner) throw notClaimed(world)
}

/** Throws STORE_CHANGED if this is not the known store. */
export async function readKnownOwner(world: StoreWorld): Promise<Owner | undefined> {
  const owner = await readOwner(world)
  checkKnown(world, owner)
  return owner
}

export async function readOwner({ driver, identity }: StoreWorld): Promise<Owner | undefined> {
  const { content, problem } = await tryReadSmall(driver, `${identity.ip}/${OWNER}`)
  // In a bucket that was deleted, nothing exists either.
  if (!content && problem === null) await driver.check()
  return problem === null ? parseOwner(content) : makeUnreadable(problem)
}

function parseOwner(content: Buffer | undefined): Owner | undefined {
  if (!content) return undefined
  try {
    return ownerSchema.parse(JSON.parse(content.toString()))
  } catch {
    return makeUnreadable()
  }
}

/**
 * Call it under exclusively(), which keeps out the other processes of this daemon. Throws CONFLICT if a daemon on another
 * machine wrote the file since `before` was read.
 */
export async function writeOwner(world: StoreWorld, before: Owner | undefined, after: Owner): Promise<void> {
  const text = JSON.stringify(after)
  const content = Buffer.from(`${text}\n`)
  if (text === JSON.stringify(before)) return
  if (before?.daemonId === UNREADABLE_ID) return await world.driver.replace(ownerKey(world), content)
  await world.driver.update(ownerKey(world), (present) => {
    const owner = parseOwner(present)
    const isExpected = [before, after].some((each) => JSON.stringify(each) === JSON.stringify(owner))
    if (!isExpected) throw owner ? ownedByOther(world, owner) : storeChanged(world, owner)
    return content
  })
}

function checkKnown(world: StoreWorld, owner: Owner | undefined): void {
  if (!isKnown(world, owner)) throw storeChanged(world, owner)
}

/** Without a known store id, the daemon's records decide: if it made backups, its namespace must have an owner. */
export function isKnown({ identity }: StoreWorld, owner: Owner | undefined): boolean {
  const known = identity.knownStore
  if (!known) return true
  if (known.id !== null) return owner?.storeId === known.id
  return owner !== undefined || !(known.madeArchives || known.madeSnapshots)
}

function ownerKey({ identity }: StoreWorld): string {
  return `${identity.ip}/${OWNER}`
}

export function ownedByOther(world: StoreWorld, owner: UnreadableOwner): BackupdError {
  const { ip, daemonId } = world.identity
  if (owner.problem !== undefined) {
    const what = `Cannot tell which daemon owns the namespace ${ip} of the store: ${owner.problem}`
    const then =
      'If the file is damaged and no other daemon uses the namespace, start this one once with --take-over'
    return new BackupdError('STORE_UNAVAILABLE', `${what}. ${then}`, { facts: { namespace: ip } })
  }
  const what = `The namespace ${ip} of the store belongs to the daemon ${owner.daemonId}, not to this one (${daemonId})`
  const then = 'Stop that one and start this one once with --take-over, or give this one its own --ip'
  return new BackupdError('CONFLICT', `${what}. ${then}`, { facts: { owner: owner.daemonId, daemonId } })
}

function notClaimed(world: StoreWorld): BackupdError {
  const what = `The namespace ${world.identity.ip} of the store is not claimed: "${ownerKey(world)}" does not exist`
  const then =
    'The daemon claims it when it starts and, if it cannot, tries again at least every 30 s; its log says why it cannot. Check also that the store is mounted'
  return new BackupdError('STORE_UNAVAILABLE', `${what}. ${then}`)
}

export function storeChanged(world: StoreWorld, owner: Owner | undefined): BackupdError {
  const { ip, knownStore } = world.identity
  const found = owner ? `another store (${owner.storeId ?? 'without an id'})` : 'no ".owner" file'
  const expected = knownStore?.id ? `the store ${knownStore.id}` : 'the store'
  const what = `Cannot use the namespace ${ip} of the store: there is ${found}, expected ${expected} that this daemon made backups in`
  const then =
    'Mount that store, or put it back. To start over with what is there now, start the daemon once with --claim-store'
  return new BackupdError('STORE_CHANGED', `${what}. ${then}`, {
    facts: { namespace: ip, expected: knownStore?.id ?? null, found: owner?.storeId ?? null },
  })
}
