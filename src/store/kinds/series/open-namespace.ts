import { BackupdError } from '../../../lib/errors.ts'
import { createRepository } from '../../../restic/repository/create-repository.ts'
import { openRepository, repositoryExists } from '../../../restic/repository/open-repository.ts'
import type { OpenOptions, Repository } from '../../../restic/repository/repository.ts'
import { assertOwner } from '../../owner.ts'
import { exclusively, type StoreWorld } from '../../world.ts'
import { readDamage } from './damage-note.ts'
import { checkRepository, noteRepository } from './known-repository.ts'
import { readPassword } from './repository-password.ts'
import { placeOfRepository } from './repository-place.ts'

/**
 * Opens the repository of any namespace, without the packs and index files in its damage note; undefined if it has none.
 * Throws the errors of openRepository with the namespace added, and REPOSITORY_MISSING if the own repository is gone.
 */
export async function openNamespace(world: StoreWorld, namespace: string): Promise<Repository | undefined> {
  const place = placeOfRepository(world.driver, namespace)
  if (!(await repositoryExists(place))) {
    if (namespace === world.identity.ip) await checkRepository(world)
    return undefined
  }
  const options = await openOptions(world)
  try {
    const repository = await openRepository(place, options)
    const { packs, indexes = {} } = await readDamage(world.driver, namespace)
    repository.distrust(Object.keys(packs))
    repository.ignoreIndexes(Object.keys(indexes))
    return repository
  } catch (error) {
    throw addNamespace(namespace, error)
  }
}

/**
 * Opens the own repository, or creates it if there never was one. Throws REPOSITORY_MISSING if it is not the known
 * one.
 */
export async function openOwnRepository(world: StoreWorld): Promise<Repository> {
  const { ip } = world.identity
  await using parts = new AsyncDisposableStack()
  const repository = parts.use((await openNamespace(world, ip)) ?? (await createOwn(world, ip)))
  await noteRepository(world, repository)
  parts.move()
  return repository
}

function createOwn(world: StoreWorld, ip: string): Promise<Repository> {
  return exclusively(world, async () => {
    await assertOwner(world)
    const made = await openNamespace(world, ip)
    return made ?? (await createRepository(placeOfRepository(world.driver, ip), await openOptions(world)))
  })
}

async function openOptions(world: StoreWorld): Promise<OpenOptions> {
  return {
    password: await readPassword(world),
    clock: world.clock,
    warn: (message) => world.warn(message),
  }
}

function addNamespace(namespace: string, error: unknown): unknown {
  if (!(error instanceof BackupdError)) return error
  const message = `The increments of ${namespace} cannot be opened: ${error.message}`
  return new BackupdError(error.code, message, { facts: { ...error.facts, namespace }, cause: error })
}
