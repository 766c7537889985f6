import type { BackupArgs } from '../wire/job.ts'
import { startArchive } from './kinds/archive/start-archive.ts'
import { startSnapshot } from './kinds/series/start-snapshot.ts'
import type { BackupTask, NewBackup } from './new-backup.ts'
import type { Store } from './store.ts'

type Start = (store: Store, task: BackupTask) => Promise<NewBackup>

const STARTS: Readonly<Record<BackupArgs['mode'], Start>> = { full: startArchive, increment: startSnapshot }

/**
 * Starts a backup of a volume in the own namespace: reserves its name, or locks the increments. The volume is not read
 * before NewBackup.make().
 * @throws what the steps throw, each with the step's name: STORE_FULL, STORE_UNAVAILABLE, CONFLICT,
 * REPOSITORY_PASSWORD, REPOSITORY_DAMAGED, REPOSITORY_LOCKED
 */
export function startBackup(store: Store, task: BackupTask): Promise<NewBackup> {
  return STARTS[task.args.mode](store, task)
}
