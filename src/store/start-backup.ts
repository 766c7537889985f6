import type { BackupArgs } from '../wire/job.ts'
import { startArchive } from './kinds/archive/start-archive.ts'
import { startSnapshot } from './kinds/series/start-snapshot.ts'
import type { BackupTask, NewBackup } from './new-backup.ts'
import type { StoreParts } from './store-parts.ts'

type Start = (store: StoreParts, task: BackupTask) => Promise<NewBackup>

const STARTS: Readonly<Record<BackupArgs['mode'], Start>> = { full: startArchive, increment: startSnapshot }

/** See Store.startBackup. */
export function startBackup(store: StoreParts, task: BackupTask): Promise<NewBackup> {
  return STARTS[task.args.mode](store, task)
}
