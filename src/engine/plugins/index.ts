// The actions of the daemon, one folder each, in which plugin.ts is the first file to read. A plugin uses the store,
// the volumes and the contract in ../plugin.ts, never another plugin, the daemon or the controller. Files in this
// folder are shared by plugins. child.ts runs them; the daemon passes the same list to the engine.
import type { Plugin } from '../plugin.ts'
import { backupPlugin } from './backup/plugin.ts'
import { backupDeletePlugin } from './backup_delete/plugin.ts'
import { backupDiffPlugin } from './backup_diff/plugin.ts'
import { backupDrillDuePlugin } from './backup_drill_due/plugin.ts'
import { backupExpirePlugin } from './backup_expire/plugin.ts'
import { backupFilesPlugin } from './backup_files/plugin.ts'
import { backupHiddenPlugin } from './backup_hidden/plugin.ts'
import { backupHidePlugin } from './backup_hide/plugin.ts'
import { backupHistoryPlugin } from './backup_history/plugin.ts'
import { backupInfoPlugin } from './backup_info/plugin.ts'
import { backupListPlugin } from './backup_list/plugin.ts'
import { backupNamespacesPlugin } from './backup_namespaces/plugin.ts'
import { backupReadPlugin } from './backup_read/plugin.ts'
import {
  backupDrillPlugin,
  recoverElsewherePlugin,
  recoverPlanPlugin,
  recoverPlugin,
  recoverUndoPlanPlugin,
  recoverUndoPlugin,
} from './backup_recover/plugin.ts'
import { backupRestorePlugin } from './backup_restore/plugin.ts'
import { backupSnapshotsPlugin } from './backup_snapshots/plugin.ts'
import { backupUnknownPlugin } from './backup_unknown/plugin.ts'
import { backupVerifyPlugin } from './backup_verify/plugin.ts'
import { backupVerifyDuePlugin } from './backup_verify_due/plugin.ts'
import { drillCheckPlugin } from './drill_check/plugin.ts'
import { keptDropPlugin, keptExpirePlugin, keptFindPlugin, keptListPlugin } from './kept/plugin.ts'
import { pinAddPlugin } from './pin_add/plugin.ts'
import { pinReleasePlugin } from './pin_release/plugin.ts'
import { planStepsPlugin } from './plan_steps/plugin.ts'
import { settlePlugin } from './settle/plugin.ts'
import { snapshotsDeletePlugin } from './snapshots_delete/plugin.ts'
import { snapshotsHidePlugin } from './snapshots_hide/plugin.ts'
import { storeClaimPlugin } from './store_claim/plugin.ts'
import { storeSpacePlugin } from './store_space/plugin.ts'
import { testPlugin } from './test/plugin.ts'
import { unusualAcknowledgePlugin } from './unusual_acknowledge/plugin.ts'

/** Every action of the daemon. A plugin does not register itself: add it here. */
export const plugins: readonly Plugin[] = [
  backupPlugin,
  backupDeletePlugin,
  backupDiffPlugin,
  backupExpirePlugin,
  backupFilesPlugin,
  backupHiddenPlugin,
  backupHidePlugin,
  backupHistoryPlugin,
  backupInfoPlugin,
  backupListPlugin,
  backupReadPlugin,
  backupRestorePlugin,
  backupSnapshotsPlugin,
  backupNamespacesPlugin,
  backupUnknownPlugin,
  backupVerifyPlugin,
  backupVerifyDuePlugin,
  recoverPlugin,
  recoverPlanPlugin,
  recoverElsewherePlugin,
  recoverUndoPlugin,
  recoverUndoPlanPlugin,
  backupDrillPlugin,
  backupDrillDuePlugin,
  drillCheckPlugin,
  keptDropPlugin,
  keptExpirePlugin,
  keptFindPlugin,
  keptListPlugin,
  pinAddPlugin,
  pinReleasePlugin,
  planStepsPlugin,
  settlePlugin,
  snapshotsDeletePlugin,
  snapshotsHidePlugin,
  storeClaimPlugin,
  storeSpacePlugin,
  testPlugin,
  unusualAcknowledgePlugin,
]
