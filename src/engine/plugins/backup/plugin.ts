import type { BackupArgs } from '../../../wire/job.ts'
import type { Plugin } from '../../plugin.ts'
import { backUp } from './back-up.ts'
import { parseBackupArgs } from './backup-args.ts'

/** Backs up a volume: in full as one archive, or as an increment, one snapshot of its series. All or nothing. */
export const backupPlugin: Plugin<BackupArgs> = {
  name: 'backup',
  parseArgs: parseBackupArgs,
  needs: ({ path }) => [path],
  run: backUp,
}
