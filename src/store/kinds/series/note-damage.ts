import type { Clock } from '../../../lib/clock.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { assertOwner } from '../../owner.ts'
import type { StoreWorld } from '../../world.ts'
import { type Noting, noteCorrupt, noteDamagedPacks, noteWhole } from './damage-note.ts'

/** A repository that is read. */
export interface ReadRepository {
  /** Where it is noted: its own namespace. */
  store: Noting['store']
  ip: string
  clock: Clock
  repository: Repository
  /** Whose the repository is. */
  namespace: string
  warn(message: string): void
}

/** Reading in a store as it is handed about inside. */
export function readIn(
  world: StoreWorld,
  { repository, namespace, warn }: Pick<ReadRepository, 'repository' | 'namespace' | 'warn'>,
): ReadRepository {
  const { driver, identity, clock } = world
  const store = { driver, assertOwner: async () => void (await assertOwner(world)) }
  return { store, ip: identity.ip, clock, repository, namespace, warn }
}

/** What proved damaged is noted in the own namespace, or it would go on counting as good, and as stored. */
export async function noteIfDamaged(read: ReadRepository, snapshot: string, error: unknown): Promise<void> {
  if (!(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') return
  await note(read, (noting) => noteCorrupt(noting, snapshot, error))
}

/** All of it was read, and is what was written. */
export async function noteNotDamaged(read: ReadRepository, snapshot: string): Promise<void> {
  await note(read, (noting) => noteWhole(noting, snapshot))
}

/** Packs that were found damaged. */
export async function notePacks(read: ReadRepository): Promise<void> {
  await note(read, noteDamagedPacks)
}

async function note(
  { store, ip, clock, repository, namespace, warn }: ReadRepository,
  how: (noting: Noting) => Promise<void>,
): Promise<void> {
  if (namespace !== ip) return
  try {
    await how({ store, ip, repository, nowMs: clock.now() })
  } catch (error) {
    warn(`what was found damaged, or whole, could not be noted in the store: ${messageOf(error)}`)
  }
}
