// The actions backup_recover and backup_recover_plan. recover-args.ts checks the arguments, recover.ts does the work
// or shows what it would do. It uses the store and volume/swap, and does not know where its record goes.

import type { RecoverArgs } from '../../../wire/job.ts'
import type { Plugin } from '../../plugin.ts'
import { runRecover } from './recover.ts'
import { fillDestDir, parseRecoverArgs } from './recover-args.ts'

/**
 * Recovers a backup: replaces the whole content of the volume or nothing at all. With `files`, replaces only these,
 * each in its place.
 */
export const recoverPlugin: Plugin<RecoverArgs> = {
  name: 'backup_recover',
  parseArgs: parseRecoverArgs,
  fillArgs: fillDestDir,
  needs: ({ destDir }) => (destDir === '' ? [] : [destDir]),
  settlesFirst: ({ inUse }) => inUse === 'proceed',
  changesVolumes: true,
  run: runRecover,
}

/** Shows what a recover would do, without any change. */
export const recoverPlanPlugin: Plugin<RecoverArgs> = {
  ...recoverPlugin,
  name: 'backup_recover_plan',
  parseArgs: (raw) => ({ ...parseRecoverArgs(raw), plan: true }),
  settlesFirst: () => false,
  changesVolumes: false,
}
