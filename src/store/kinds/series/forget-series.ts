import { type ForgetOptions, forgetSnapshots } from '../../../restic/prune/forget.ts'
import type { AcquireLock } from '../../../restic/prune/prune.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import type { StoreParts } from '../../store-parts.ts'
import { noteForgotten } from './prune-note.ts'

export interface ForgetContext {
  store: StoreParts
  /** The own namespace. */
  ip: string
  repository: Repository
  acquireLock: AcquireLock
  warn(message: string): void
  /** As in ForgetOptions. */
  onLocked?: ForgetOptions['onLocked']
}

/**
 * Deletes snapshots of the own namespace, also in a full store, and notes that a prune is due. Otherwise as
 * forgetSnapshots.
 */
export function forgetInNamespace(
  context: ForgetContext,
  ids: readonly string[],
  stillDue?: () => Promise<readonly string[]>,
): Promise<string[]> {
  return context.store.withReserve(() => forget(context, ids, stillDue))
}

async function forget(
  { store, ip, repository, acquireLock, warn, onLocked }: ForgetContext,
  ids: readonly string[],
  stillDue?: () => Promise<readonly string[]>,
): Promise<string[]> {
  const forgotten = await forgetSnapshots(repository, ids, { acquireLock, stillDue, onLocked })
  // A full store may have no room for the note; then the prune is only due later.
  await noteForgotten({ store, ip }, forgotten.length).catch((error: unknown) =>
    warn(`what was deleted could not be noted for the next prune: ${String(error)}`),
  )
  return forgotten
}
