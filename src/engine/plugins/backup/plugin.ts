import type { BackupArgs } from '../../../wire/job.ts'
import type { Plugin } from '../../plugin.ts'
import { backUp } from './back-up.ts'
import { parseBackupArgs } from './backup-args.ts'

/** Makes a full backup of a volume: one archive in the store, published whole or not at all. */
export const backupPlugin: Plugin<BackupArgs> = {
  name: 'backup',
  parseArgs: parseBackupArgs,
  needs: ({ path }) => [path],
  run: backUp,
}
