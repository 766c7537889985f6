import { deleteSeries } from './kinds/series/delete-series.ts'
import { ANSWER_WAIT_MS, takeLockOf } from './kinds/series/take-lock.ts'
import type { Store } from './store.ts'
import type { Reader } from './stored-backup.ts'

/** How long this call frees the space of deleted mirrors; the expire job frees the rest. */
const SWEEP_MS = 3000

/**
 * Deletes backups of the own namespace, of any kind, and returns the names that existed.
 * Throws BAD_INPUT, CONFLICT or REPOSITORY_LOCKED. All names are checked before anything is deleted.
 */
export async function deleteStoredBackups(
  { store, ip }: { store: Store; ip: string },
  names: string[],
  reader: Reader,
): Promise<string[]> {
  await store.checkRemovable(names)
  // Series first: if others have locked their repository, nothing is deleted.
  const series = await deleteSeries({ store, ip }, names, {
    takeLockOf: (repository) => takeLockOf(repository, reader, ANSWER_WAIT_MS),
    warn: reader.warn,
  })
  const deleted = new Set([...series, ...(await store.remove(names))])
  await store.sweep(AbortSignal.timeout(SWEEP_MS))
  return [...deleted]
}
