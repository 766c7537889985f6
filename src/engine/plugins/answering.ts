import { BackupdError } from '../../lib/errors.ts'
import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { Reader, StoredBackup } from '../../store/stored-backup.ts'
import type { RunContext } from '../plugin.ts'

/** Opens the store for an action that answers at once. Its warnings go to the log, because it has no record. */
export function openToAnswer({ settings, clock, log }: RunContext): Promise<Store> {
  return openStore(settings.store, settings, { clock, warn: (message) => log('warn', message) })
}

/** Throws NOT_FOUND. */
export async function findBackupToAnswer(
  context: RunContext,
  namespace: string,
  name: string,
): Promise<StoredBackup> {
  const found = await (await openToAnswer(context)).find(namespace, name)
  if (found) return found
  throw new BackupdError('NOT_FOUND', `There is no backup "${name}" in the namespace ${namespace}`)
}

/** How an action that answers at once reads a backup. Warnings go to the log. */
export function answeringReader({ settings, signal, log }: RunContext): Reader {
  return { dataDir: settings.dataDir, signal, warn: (message) => log('warn', message) }
}
