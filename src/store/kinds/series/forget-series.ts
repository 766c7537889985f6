import { forgetSnapshots } from '../../../restic/prune/forget.ts'
import type { TakeLock } from '../../../restic/prune/prune.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { StoreParts } from '../../store-parts.ts'
import { noteForgotten } from './prune-note.ts'

export interface Forgetting {
  store: StoreParts
  /** The own namespace. */
  ip: string
  repository: Repository
  takeLock: TakeLock
  warn(message: string): void
}

/**
 * Deletes snapshots of the own namespace, also in a full store, and notes that a prune is due. Otherwise as
 * forgetSnapshots.
 */
export function forgetInNamespace(
  forgetting: Forgetting,
  ids: readonly string[],
  stillDue?: () => Promise<readonly string[]>,
): Promise<string[]> {
  return forgetting.store.withReserve(() => forget(forgetting, ids, stillDue))
}

async function forget(
  { store, ip, repository, takeLock, warn }: Forgetting,
  ids: readonly string[],
  stillDue?: () => Promise<readonly string[]>,
): Promise<string[]> {
  const forgotten = await forgetSnapshots(repository, ids, stillDue ? { takeLock, stillDue } : { takeLock })
  // A full store may have no room for the note; then the prune is only due later.
  await noteForgotten({ store, ip }, forgotten.length).catch((error: unknown) =>
    warn(`what was deleted could not be noted for the next prune: ${String(error)}`),
  )
  return forgotten
}
