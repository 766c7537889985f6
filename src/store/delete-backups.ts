import { ANSWER_WAIT_MS, makeAcquireLock } from './kinds/series/acquire-lock.ts'
import { deleteSeries } from './kinds/series/delete-series.ts'
import type { StoreParts } from './store-parts.ts'
import type { Reader } from './stored-backup.ts'

/** How long this call frees the space of deleted mirrors; the expire job frees the rest. */
const SWEEP_MS = 3000

/** See Store.delete. */
export async function deleteStoredBackups(
  { store, ip }: { store: StoreParts; ip: string },
  names: string[],
  reader: Reader,
): Promise<string[]> {
  await store.checkRemovable(names)
  // Series first: if others have locked their repository, nothing is deleted.
  const series = await deleteSeries({ store, ip }, names, {
    makeAcquireLock: (repository) => makeAcquireLock(repository, reader, ANSWER_WAIT_MS),
    warn: reader.warn,
  })
  return [...new Set([...series, ...(await removeNow(store, names))])]
}

/** Deletes archives and mirrors; see StoreParts.remove. */
export async function removeNow(store: StoreParts, names: string[]): Promise<string[]> {
  const deleted = await store.remove(names)
  // Some of them may have been hidden: they take no room any more.
  if (deleted.length > 0) await store.countHidden()
  await store.sweep(AbortSignal.timeout(SWEEP_MS))
  return deleted
}
