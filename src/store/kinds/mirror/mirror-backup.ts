// Mirrors: increments of the legacy system, plain copies of a volume's files in the store. backupd only reads them,
// lists them and deletes them; the first increment of a volume makes a snapshot of its mirror.
// find-backup.ts opens a mirror as a StoredBackup here; delete-mirrors.ts deletes it.

import { copyMirror } from '../../../volume/copy/copy-mirror.ts'
import { EVERYTHING } from '../../../volume/tree/chosen-paths.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { Mirror } from '../../store-parts.ts'
import type { StoredBackup } from '../../stored-backup.ts'
import { findLegacySource, refuseSnapshot } from '../without-snapshots.ts'
import { listMirror } from './list-mirror.ts'
import { openMirrorFile } from './open-file.ts'
import { planMirror } from './plan-mirror.ts'
import { verifyMirror } from './verify-mirror.ts'

/** An increment of the legacy system: the volume's files as they are. */
export function mirrorBackup(info: BackupInfo, mirror: Mirror): StoredBackup {
  const needs = { bytes: info.size, entries: 0 }
  return {
    info,
    async listFiles({ snapshot, ...question }) {
      refuseSnapshot(snapshot)
      return await mirror.withFolder((folder) => listMirror(folder, question))
    },
    async openFile({ path, snapshot }) {
      refuseSnapshot(snapshot)
      return await openMirrorFile(mirror, path)
    },
    async open(snapshot) {
      refuseSnapshot(snapshot)
      return {
        legacySource: findLegacySource(info),
        snapshot: null,
        state: info.state,
        suspect: info.suspect,
        totals: null,
        needs,
        // The size of the chosen files is unknown until they are copied.
        measure: async (chosen) => (chosen ? { bytes: 0, entries: 0 } : needs),
        restore: (into, chosen) =>
          mirror.withFolder((folder) =>
            copyMirror({ ...into, mirror: folder, chosen: chosen ?? EVERYTHING }),
          ),
        plan: (question) => mirror.withFolder((folder) => planMirror(folder, question)),
        async [Symbol.asyncDispose]() {},
      }
    },
    verify: (run) => verifyMirror(info, mirror, run),
    async [Symbol.asyncDispose]() {},
  }
}
