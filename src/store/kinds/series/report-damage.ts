import type { Clock } from '../../../lib/clock.ts'
import { hasCode, messageOf } from '../../../lib/errors.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { assertOwner } from '../../owner.ts'
import type { StoreWorld } from '../../world.ts'
import { type Noting, noteCorrupt, noteDamagedPacks, noteWhole } from './damage-note.ts'

/** A repository that is being read, and where damage in it is noted. */
export interface ReadRepository {
  /** The store and the own namespace `ip`, the only one that gets a note. */
  store: Noting['store']
  ip: string
  clock: Clock
  repository: Repository
  /** The namespace of the repository. */
  namespace: string
  warn(message: string): void
}

/** A ReadRepository from the arguments that code inside the store has. */
export function createReadRepository(
  world: StoreWorld,
  { repository, namespace, warn }: Pick<ReadRepository, 'repository' | 'namespace' | 'warn'>,
): ReadRepository {
  const { driver, identity, clock } = world
  const store = { driver, assertOwner: async () => void (await assertOwner(world)) }
  return { store, ip: identity.ip, clock, repository, namespace, warn }
}

/** Notes a damaged snapshot, only in the own namespace; else it would keep counting as good, and its data as stored. */
export async function noteIfDamaged(read: ReadRepository, snapshot: string, error: unknown): Promise<void> {
  if (!hasCode(error, 'SNAPSHOT_CORRUPT')) return
  await tryNote(read, (noting) => noteCorrupt(noting, snapshot, error))
}

/** Notes that all of the snapshot was read without damage. */
export async function noteNotDamaged(read: ReadRepository, snapshot: string): Promise<void> {
  await tryNote(read, (noting) => noteWhole(noting, snapshot))
}

/** Notes the packs that were found damaged. */
export async function notePacks(read: ReadRepository): Promise<void> {
  await tryNote(read, noteDamagedPacks)
}

async function tryNote(
  { store, ip, clock, repository, namespace, warn }: ReadRepository,
  write: (noting: Noting) => Promise<void>,
): Promise<void> {
  if (namespace !== ip) return
  try {
    await write({ store, ip, repository, nowMs: clock.now() })
  } catch (error) {
    warn(`The result of reading the snapshots could not be noted in the store: ${messageOf(error)}`)
  }
}
