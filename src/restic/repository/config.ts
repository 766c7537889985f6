import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { messageOf } from '../../lib/errors.ts'
import { readSmall } from '../../objects/small-objects.ts'
import { type RepositoryKey, seal } from '../codec/crypt.ts'
import { isIrreducible, randomPolynomial } from '../codec/polynomial.ts'
import { configName, isId } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'
import { unsealUnpacked } from './unpacked.ts'

export interface Config {
  version: number
  /** 64 hex digits. */
  id: string
  polynomial: bigint
}

const configSchema = z.object({
  version: z.number().int(),
  id: z.string().refine(isId, 'not an id of 64 hex digits'),
  chunker_polynomial: z.string().regex(/^[0-9a-f]{1,16}$/),
})

export function newConfig(): Config {
  return { version: 2, id: randomBytes(32).toString('hex'), polynomial: randomPolynomial() }
}

/** The config is the only unpacked file that is never compressed. */
export function sealConfig(key: RepositoryKey, { version, id, polynomial }: Config): Buffer {
  return seal(key, Buffer.from(JSON.stringify({ version, id, chunker_polynomial: polynomial.toString(16) })))
}

export function readConfig(place: RepositoryPlace): Promise<Buffer | undefined> {
  return readSmall(place.driver, configName(place))
}

/** Throws REPOSITORY_DAMAGED. */
export async function unsealConfig(
  place: RepositoryPlace,
  key: RepositoryKey,
  sealed: Buffer,
): Promise<Config> {
  const name = configName(place)
  const json = await unsealUnpacked(key, name, sealed)
  try {
    const { version, id, chunker_polynomial } = configSchema.parse(JSON.parse(json.toString()))
    const polynomial = BigInt(`0x${chunker_polynomial}`)
    if (!isIrreducible(polynomial)) throw new RangeError('its chunker polynomial is not irreducible')
    return { version, id, polynomial }
  } catch (cause) {
    throw repositoryDamaged(name, messageOf(cause), cause)
  }
}
