import { removeSeries } from './kinds/series/remove-series.ts'
import { takeLockOf } from './kinds/series/take-lock.ts'
import type { Store } from './store.ts'
import type { Reader } from './stored-backup.ts'

/** What mirrors leave is freed for so long; the expire job frees the rest. */
const SWEEP_MS = 3000
/** An answer comes within seconds: others are not waited for long. */
const LOCK_WAIT_MS = 5000

/**
 * Deletes backups of the own namespace, of whichever kind, all or none refused. Returns those that were there.
 * Throws BAD_INPUT, CONFLICT before the first is touched, REPOSITORY_LOCKED.
 */
export async function deleteBackups(
  { store, ip }: { store: Store; ip: string },
  names: string[],
  reader: Reader,
): Promise<string[]> {
  const series = await removeSeries({ store, ip }, names, {
    takeLockOf: (repository) => takeLockOf(repository, reader, LOCK_WAIT_MS),
    warn: reader.warn,
  })
  const deleted = new Set([...series, ...(await store.remove(names))])
  await store.sweep(AbortSignal.timeout(SWEEP_MS))
  return [...deleted]
}
