import { BackupdError } from '../../../lib/errors.ts'
import { checkVolumePath } from '../../../volume/allowed-paths.ts'
import { chosenFiles } from '../../../volume/tree/chosen-paths.ts'
import { findArchiveOfBackup } from '../../../wire/archive-name.ts'
import { type RecoverArgs, recoverArgsSchema } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'
import { parseNamespace } from '../../../wire/namespace.ts'
import type { DaemonFacts } from '../../plugin.ts'

/** Throws BAD_INPUT. */
export function parseRecoverArgs(raw: Readonly<Record<string, unknown>>): RecoverArgs {
  const args = parseShape('The args of a recover', raw, recoverArgsSchema)
  parseNamespace(args.namespace)
  if (args.files) chosenFiles(args.files)
  if (args.files?.length === 0)
    throw new BackupdError(
      'BAD_INPUT',
      '"files" is empty, expected at least one file. Leave it out to recover everything',
    )
  if (args.files && args.onRefusedRename === 'in-place') {
    const what = 'A copy in place replaces the whole volume: leave out "files" or "onRefusedRename"'
    throw new BackupdError('BAD_INPUT', what)
  }
  refuseKeeping(args)
  if (args.plan && args.planHash !== undefined)
    throw new BackupdError('BAD_INPUT', 'Leave "plan" out to carry out a plan, or "planHash" to make one')
  return args.destDir === '' ? args : { ...args, destDir: checkVolumePath(args.destDir) }
}

function refuseKeeping({ keepOldMs, files, onRefusedRename }: RecoverArgs): void {
  if (keepOldMs === undefined) return
  const what = files
    ? 'A recover of single files keeps nothing'
    : onRefusedRename === 'in-place' && 'A copy in place deletes the old content, and keeps nothing'
  if (!what) return
  const other = files ? 'files' : 'onRefusedRename'
  throw new BackupdError('BAD_INPUT', `${what}: leave out "keepOld" or "${other}"`)
}

/**
 * Resolves an empty destDir, which legacy controllers send, to the volume that the backup is named after, according to
 * this daemon's own jobs. A legacy backup with another name gets the paths of all jobs (see resolveHome). The path in a
 * manifest is not used: anyone who can write to the store could direct the recover to another volume.
 */
export function fillDestDir(raw: Readonly<Record<string, unknown>>, { settings, jobs }: DaemonFacts) {
  if (raw.destDir !== '') return raw
  const isOwn = raw.namespace === settings.ip
  const volumes = jobs.filter(({ action }) => isOwn && action === 'backup').map(({ args }) => args)
  const archive = findArchiveOfBackup(String(raw.backup))
  const named = volumes.find((args) => args.archive === archive)
  if (typeof named?.path === 'string') return { ...raw, destDir: named.path }
  return { ...raw, jobPaths: volumes.map(({ path }) => String(path)) }
}
