import { forgetSnapshots } from '../../../restic/prune/forget.ts'
import type { TakeLock } from '../../../restic/prune/prune.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { Store } from '../../store.ts'
import { noteForgotten } from './prune-note.ts'

export interface Forgetting {
  store: Store
  /** The own namespace. */
  ip: string
  repository: Repository
  takeLock: TakeLock
  warn(message: string): void
}

/** Takes snapshots out of the own namespace, of a full store too, and notes that there is something to prune. As forgetSnapshots. */
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
  // A full store has no room for the note; the prune it is for will come all the same, only later.
  await noteForgotten({ store, ip }, forgotten.length).catch((error: unknown) =>
    warn(`what was deleted could not be noted for the next prune: ${String(error)}`),
  )
  return forgotten
}
