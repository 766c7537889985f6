import { BackupdError } from '../../lib/errors.ts'
import { readConfig, unsealConfig } from './config.ts'
import { openKeys } from './keys.ts'
import { configName, folderName, idsIn, listPacks } from './layout.ts'
import { OpenedRepository } from './opened-repository.ts'
import type { OpenOptions, RepositoryPlace } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'

const FORMAT = 2

export async function repositoryExists(place: RepositoryPlace): Promise<boolean> {
  return (await place.driver.stat(configName(place))) !== undefined
}

/**
 * Throws NOT_FOUND if there is no repository, REPOSITORY_PASSWORD if the password opens none of its keys,
 * REPOSITORY_DAMAGED if its config or its keys are damaged. Changes nothing.
 */
export async function openRepository(
  place: RepositoryPlace,
  options: OpenOptions,
): Promise<OpenedRepository> {
  const sealed = await readConfig(place)
  if (!sealed) throw await makeMissingRepositoryError(place)
  let fault: unknown
  for await (const key of openKeys(place, options)) {
    try {
      const config = await unsealConfig(place, key, sealed)
      if (config.version !== FORMAT) throw otherFormat(place, config.version)
      return new OpenedRepository(place, options, { key, config })
    } catch (error) {
      fault = error
    }
  }
  throw fault
}

/** Whether there are snapshots, packs or indexes: then it is not a repository whose creation was interrupted. */
export async function holdsData(place: RepositoryPlace): Promise<boolean> {
  for (const kind of ['snapshots', 'index'] as const) {
    for await (const _id of idsIn(place, folderName(place, kind))) return true
  }
  for await (const _pack of listPacks(place)) return true
  return false
}

async function makeMissingRepositoryError(place: RepositoryPlace): Promise<BackupdError> {
  if (await holdsData(place)) return repositoryDamaged(configName(place), 'it does not exist')
  return new BackupdError('NOT_FOUND', `The repository "${place.base}" does not exist in the store`, {
    facts: { repository: place.base },
  })
}

function otherFormat({ base }: RepositoryPlace, version: number): BackupdError {
  const what = `The repository "${base}" has format ${version}, expected ${FORMAT}`
  const then = version === 1 ? '. Upgrade it with: restic migrate upgrade_repo_v2' : ''
  return new BackupdError('CONFLICT', what + then, { facts: { repository: base, version } })
}
