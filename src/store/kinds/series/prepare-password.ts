import { BackupdError } from '../../../lib/errors.ts'
import type { StoreWorld } from '../../world.ts'
import { checkRepository, noteRepository } from './known-repository.ts'
import { openNamespace } from './open-namespace.ts'
import { makePassword, namespacesWithRepository, readPassword } from './repository-password.ts'

/**
 * Checks the password once at a daemon's start, or generates it: it must open the own repository or, if there is none
 * yet, one of another daemon. Throws REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, and REPOSITORY_MISSING before a new
 * password could replace the one that opens the missing repository.
 * @returns whether the password was generated now
 */
export async function preparePassword(world: StoreWorld): Promise<{ made: boolean }> {
  const { ip, repositoryPasswordFile } = world.identity
  await checkRepository(world)
  const made = repositoryPasswordFile === undefined && (await makePassword(world))
  await readPassword(world)
  await using own = await openNamespace(world, ip)
  if (own) await noteRepository(world, own)
  if (!own && !made) await checkOpensAnother(world)
  return { made }
}

async function checkOpensAnother(world: StoreWorld): Promise<void> {
  let refusal: unknown
  for await (const namespace of namespacesWithRepository(world.driver)) {
    try {
      await using repository = await openNamespace(world, namespace)
      if (repository) return
    } catch (error) {
      if (!(error instanceof BackupdError)) throw error
      // A damaged repository proves nothing about the password, and it belongs to another daemon.
      if (error.code === 'REPOSITORY_PASSWORD') refusal ??= error
      else if (error.code === 'REPOSITORY_DAMAGED') world.warn(error.message)
      else throw error
    }
  }
  if (refusal) throw refusal
}
