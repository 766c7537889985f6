import { isIP } from 'node:net'
import { checkVolumePath } from '../../../lib/allowed-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { type RecoverArgs, recoverArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'

/** Throws BAD_INPUT; what this version cannot do yet is refused by name. */
export function parseRecoverArgs(raw: Readonly<Record<string, unknown>>): RecoverArgs {
  const args = parseShape('The args of a recover', raw, recoverArgsSchema)
  if (isIP(args.namespace) === 0)
    throw new BackupdError('BAD_INPUT', `The namespace "${args.namespace}" is not an IP address`)
  if (!args.backup.endsWith('.tar.gz')) {
    throw new BackupdError(
      'BAD_INPUT',
      `Increments cannot be recovered by this version: "${args.backup}" is not a full backup`,
    )
  }
  if (args.files && args.files.length > 0) {
    throw new BackupdError(
      'BAD_INPUT',
      `A full backup is recovered whole: leave out "files" to recover "${args.backup}"`,
    )
  }
  return args.destDir === '' ? args : { ...args, destDir: checkVolumePath(args.destDir) }
}
