import { BackupdError } from '../../lib/errors.ts'
import { newKey } from '../codec/crypt.ts'
import { newConfig, sealConfig } from './config.ts'
import { addKey } from './keys.ts'
import { configName, folderName, idsIn, unpackedName } from './layout.ts'
import { holdsData, repositoryExists } from './open-repository.ts'
import { OpenedRepository } from './opened-repository.ts'
import { publishSmall } from './publish.ts'
import type { OpenOptions, RepositoryPlace } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'

/**
 * Creates an empty repository with one key. The config is written last: without a config there is no repository yet,
 * and an interrupted creation starts again. Throws CONFLICT if there is a repository.
 */
export async function createRepository(
  place: RepositoryPlace,
  options: OpenOptions,
): Promise<OpenedRepository> {
  await using _lock = await place.driver.lock(`${place.base}/tmp/create.lock`)
  if (await repositoryExists(place)) throw alreadyExists(place)
  if (await holdsData(place)) throw repositoryDamaged(configName(place), 'it does not exist')
  await removeKeys(place)
  const key = newKey()
  const config = newConfig()
  await addKey(place, options, key)
  await publishSmall(place, { name: configName(place), content: sealConfig(key, config) })
  return new OpenedRepository(place, options, { key, config })
}

/** Removes keys of an interrupted creation, which open nothing. */
async function removeKeys(place: RepositoryPlace): Promise<void> {
  const keys: string[] = []
  for await (const id of idsIn(place, folderName(place, 'keys'))) keys.push(id)
  for (const id of keys) await place.driver.remove(unpackedName(place, 'keys', id))
}

function alreadyExists({ base }: RepositoryPlace): BackupdError {
  return new BackupdError('CONFLICT', `The repository "${base}" exists already`, {
    facts: { repository: base },
  })
}
