import { BackupdError, messageOf } from '../../lib/errors.ts'
import type { Repository } from '../../restic/repository/repository.ts'
import { type Noting, noteCorrupt, noteWhole } from '../../store/kinds/series/damage-note.ts'
import type { Store } from '../../store/store.ts'
import type { RunContext } from '../plugin.ts'

/** A snapshot that is read. */
export interface ReadSnapshot {
  store: Store
  repository: Repository
  /** Whose it is. */
  namespace: string
  id: string
  context: Pick<RunContext, 'settings' | 'clock' | 'warn'>
}

/** What proved damaged is noted in the own namespace, or it would go on counting as good, and as stored. */
export async function noteIfDamaged(read: ReadSnapshot, error: unknown): Promise<void> {
  if (!(error instanceof BackupdError) || error.code !== 'SNAPSHOT_CORRUPT') return
  await note(read, (noting) => noteCorrupt(noting, read.id, error))
}

/** All of it was read, and is what was written. */
export async function noteNotDamaged(read: ReadSnapshot): Promise<void> {
  await note(read, (noting) => noteWhole(noting, read.id))
}

async function note(read: ReadSnapshot, how: (noting: Noting) => Promise<void>): Promise<void> {
  const { store, repository, namespace, context } = read
  const { ip } = context.settings
  if (namespace !== ip) return
  try {
    await how({ store, ip, repository, nowMs: context.clock.now() })
  } catch (error) {
    context.warn(`what was found damaged, or whole, could not be noted in the store: ${messageOf(error)}`)
  }
}
