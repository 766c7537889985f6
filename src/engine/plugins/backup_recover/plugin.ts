// The actions backup_recover, backup_recover_plan, backup_recover_elsewhere, backup_recover_undo and backup_drill. recover-args.ts checks the arguments,
// recover.ts does the work or shows what it would do, elsewhere.ts does it in a new folder, drill.ts in a scratch folder. They use the store and
// volume/swap, and do not know where their records go.

import { DRILL_ACTION, type DrillArgs } from '../../../wire/drill.ts'
import { ELSEWHERE_ACTION, type RecoverArgs } from '../../../wire/job.ts'
import { UNDO_ACTION, UNDO_PLAN_ACTION, type UndoArgs } from '../../../wire/kept-old.ts'
import type { Plugin } from '../../plugin.ts'
import { listDrillNeeds, parseDrillArgs, runDrill } from './drill.ts'
import { fillJobPaths, parseElsewhereArgs, runRecoverElsewhere } from './elsewhere.ts'
import { runRecover } from './recover.ts'
import { fillDestDir, parseRecoverArgs } from './recover-args.ts'
import { parseUndoArgs, runUndo } from './undo.ts'

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

/** Restores a backup into a new folder and touches no volume. It is locked like a volume, so that two runs cannot share it. */
export const recoverElsewherePlugin: Plugin<RecoverArgs> = {
  name: ELSEWHERE_ACTION,
  parseArgs: parseElsewhereArgs,
  fillArgs: fillJobPaths,
  needs: ({ destDir }) => [destDir],
  changesVolumes: true,
  run: runRecoverElsewhere,
}

/** Puts back what a recover replaced and kept. */
export const recoverUndoPlugin: Plugin<UndoArgs> = {
  name: UNDO_ACTION,
  parseArgs: parseUndoArgs,
  needs: ({ destDir }) => [destDir],
  changesVolumes: true,
  run: runUndo,
}

/** Shows what an undo would do, without any change. */
export const recoverUndoPlanPlugin: Plugin<UndoArgs> = {
  ...recoverUndoPlugin,
  name: UNDO_PLAN_ACTION,
  parseArgs: (raw) => ({ ...parseUndoArgs(raw), plan: true }),
  changesVolumes: false,
}

/** Restores a backup into a scratch folder, compares it with its index, and removes it. */
export const backupDrillPlugin: Plugin<DrillArgs> = {
  name: DRILL_ACTION,
  parseArgs: parseDrillArgs,
  fillArgs: fillJobPaths,
  needs: listDrillNeeds,
  changesVolumes: true,
  run: runDrill,
}
