import type { RecoverArgs } from '../../../wire/job.ts'
import type { Plugin } from '../../plugin.ts'
import { recover } from './recover.ts'
import { fillDestDir, parseRecoverArgs } from './recover-args.ts'

/**
 * Puts a backup back: everything in it, in place of everything in the volume, or nothing at all; or, with `files`, those
 * alone, each in its place.
 */
export const recoverPlugin: Plugin<RecoverArgs> = {
  name: 'backup_recover',
  parseArgs: parseRecoverArgs,
  fillArgs: fillDestDir,
  needs: ({ destDir }) => (destDir === '' ? [] : [destDir]),
  settlesFirst: ({ inUse }) => inUse === 'proceed',
  run: recover,
}

/** Tells what a recover of a snapshot would do, and changes nothing. */
export const recoverPlanPlugin: Plugin<RecoverArgs> = {
  ...recoverPlugin,
  name: 'backup_recover_plan',
  parseArgs: (raw) => ({ ...parseRecoverArgs(raw), plan: true }),
  settlesFirst: () => false,
}
