import { isIP } from 'node:net'
import { checkVolumePath } from '../../../lib/allowed-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { chosenFiles } from '../../../storage/tree/chosen-paths.ts'
import { type RecoverArgs, recoverArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'

/** Throws BAD_INPUT. */
export function parseRecoverArgs(raw: Readonly<Record<string, unknown>>): RecoverArgs {
  const args = parseShape('The args of a recover', raw, recoverArgsSchema)
  if (isIP(args.namespace) === 0)
    throw new BackupdError('BAD_INPUT', `The namespace "${args.namespace}" is not an IP address`)
  if (args.files) chosenFiles(args.files)
  if (args.files?.length === 0)
    throw new BackupdError('BAD_INPUT', 'No file is named: leave "files" out to recover everything')
  return args.destDir === '' ? args : { ...args, destDir: checkVolumePath(args.destDir) }
}
