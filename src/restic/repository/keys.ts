import { isoTime } from '../../lib/clock.ts'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { parseKeyFile, sealKey, unsealKey } from '../codec/password-key.ts'
import { folderName, idsIn, unpackedName } from './layout.ts'
import { readProcessIdentity } from './process-identity.ts'
import { publishSmall } from './publish.ts'
import type { OpenOptions, RepositoryPlace } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'
import { hashSha256, readUnpacked } from './unpacked.ts'

/** Writes a new key file for `key`. */
export async function addKey(
  place: RepositoryPlace,
  { password, clock }: OpenOptions,
  key: RepositoryKey,
): Promise<void> {
  const { username, hostname } = readProcessIdentity()
  const maker = { created: isoTime(clock.now()), username, hostname }
  const file = await sealKey(key, password, maker)
  const name = unpackedName(place, 'keys', hashSha256(file).toString('hex'))
  await publishSmall(place, { name, content: file })
}

/** Yields the keys that the password opens: one, unless a creation of the repository was interrupted. */
export async function* openKeys(place: RepositoryPlace, options: OpenOptions): AsyncGenerator<RepositoryKey> {
  const faults: BackupdError[] = []
  let read = 0
  let opened = 0
  for await (const id of idsIn(place, folderName(place, 'keys'))) {
    read += 1
    const key = await openKey(place, id, options).catch((error) => void faults.push(asFault(error)))
    if (!key) continue
    opened += 1
    yield key
  }
  if (opened > 0) return
  for (const fault of faults) options.warn(fault.message)
  if (read === 0) throw repositoryDamaged(folderName(place, 'keys'), 'it contains no key file')
  if (faults.length === read) throw faults[0]
  throw wrongPassword(place)
}

function asFault(error: unknown): BackupdError {
  if (error instanceof BackupdError) return error
  throw error
}

async function openKey(place: RepositoryPlace, id: string, { password }: OpenOptions) {
  const file = await readUnpacked(place, 'keys', id)
  try {
    return await unsealKey(parseKeyFile(file), password)
  } catch (cause) {
    throw repositoryDamaged(
      unpackedName(place, 'keys', id),
      `it is not a key file (${messageOf(cause)})`,
      cause,
    )
  }
}

function wrongPassword({ base }: RepositoryPlace): BackupdError {
  return new BackupdError(
    'REPOSITORY_PASSWORD',
    `Cannot open the repository "${base}": the password opens none of its keys. Give the right one with ` +
      '--repository-password-file; nothing was changed',
    { facts: { repository: base } },
  )
}
