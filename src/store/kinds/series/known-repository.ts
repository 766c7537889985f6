import { BackupdError } from '../../../lib/errors.ts'
import { repositoryExists } from '../../../restic/repository/open-repository.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { readKnownOwner, readOwner, writeOwner } from '../../owner.ts'
import { exclusively, type StoreWorld } from '../../world.ts'
import { placeOfRepository } from './repository-place.ts'

/**
 * Throws REPOSITORY_MISSING if the own namespace had increments but has no repository now, and STORE_CHANGED if the
 * whole store is not the known one.
 */
export async function checkRepository(world: StoreWorld): Promise<void> {
  const { ip, knownStore } = world.identity
  if (await repositoryExists(placeOfRepository(world.driver, ip))) return
  const expected = (await readKnownOwner(world))?.repository
  if (expected !== undefined || knownStore?.madeSnapshots) throw repositoryMissing(ip, expected)
}

/**
 * Notes the id of the own repository in `.owner` when it is first seen, unless another daemon owns the namespace.
 * Throws REPOSITORY_MISSING if the repository is not the noted one.
 */
export async function noteRepository(world: StoreWorld, { id }: Pick<Repository, 'id'>): Promise<void> {
  if (await isNoted(world, id)) return
  await exclusively(world, async () => {
    const owner = await readOwner(world)
    if (owner?.daemonId !== world.identity.daemonId || owner.repository !== undefined) return
    await writeOwner(world, owner, { ...owner, repository: id })
  })
}

async function isNoted(world: StoreWorld, id: string): Promise<boolean> {
  const { daemonId, ip } = world.identity
  const owner = await readOwner(world)
  if (owner?.daemonId !== daemonId) return true
  if (owner.repository === undefined) return false
  if (owner.repository !== id) throw repositoryMissing(ip, owner.repository, id)
  return true
}

function repositoryMissing(ip: string, expected?: string, found?: string): BackupdError {
  const there = found === undefined ? 'the repository is missing' : `there is another repository (${found})`
  const wanted = expected === undefined ? 'the one with the earlier snapshots' : `${expected}`
  const what = `Cannot use the increments of ${ip} ("${ip}/repo" in the store): ${there}, expected ${wanted}`
  const then =
    'Put that folder back. To go on without the earlier snapshots, start the daemon once with --new-repository'
  return new BackupdError('REPOSITORY_MISSING', `${what}. ${then}`, {
    facts: { namespace: ip, expected: expected ?? null, found: found ?? null },
  })
}
