import { checkVolumePath } from '../../../lib/allowed-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { type BackupArgs, backupArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'

/** Throws BAD_INPUT; what this version cannot do yet is refused by name. */
export function parseBackupArgs(raw: Readonly<Record<string, unknown>>): BackupArgs {
  const args = parseShape('The args of a backup', raw, backupArgsSchema)
  if (args.mode === 'increment') {
    throw new BackupdError(
      'BAD_INPUT',
      `Increments cannot be made by this version: back "${args.path}" up with mode full`,
    )
  }
  return { ...args, path: checkVolumePath(args.path) }
}
