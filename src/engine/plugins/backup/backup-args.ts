import { checkVolumePath } from '../../../volume/allowed-paths.ts'
import { type BackupArgs, backupArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'

/** Throws BAD_INPUT. */
export function parseBackupArgs(raw: Readonly<Record<string, unknown>>): BackupArgs {
  const args = parseShape('The args of a backup', raw, backupArgsSchema)
  return { ...args, path: checkVolumePath(args.path) }
}
