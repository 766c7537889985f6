import { BackupdError } from '../../../lib/errors.ts'
import { copyMirror } from '../../../volume/copy/copy-mirror.ts'
import { EVERYTHING } from '../../../volume/tree/chosen-paths.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { Mirror } from '../../store.ts'
import type { StoredBackup } from '../../stored-backup.ts'
import { hasNoSnapshots, legacySourceOf, plansNothing } from '../without-snapshots.ts'
import { listMirror } from './list-mirror.ts'

/** An increment of the legacy system: the volume's files as they are. */
export function mirrorBackup(info: BackupInfo, mirror: Mirror): StoredBackup {
  const needs = { bytes: info.size, entries: 0 }
  return {
    info,
    async listFiles({ snapshot, ...question }) {
      hasNoSnapshots(snapshot)
      return await mirror.withFolder((folder) => listMirror(folder, question))
    },
    async open(snapshot) {
      hasNoSnapshots(snapshot)
      return {
        legacySource: legacySourceOf(info),
        ...{ state: info.state, suspect: info.suspect, totals: null, needs },
        // How much is chosen, only the copying tells.
        measure: async (chosen) => (chosen ? { bytes: 0, entries: 0 } : needs),
        restore: (into, chosen) =>
          mirror.withFolder((folder) =>
            copyMirror({ ...into, mirror: folder, chosen: chosen ?? EVERYTHING }),
          ),
        plan: plansNothing,
        async [Symbol.asyncDispose]() {},
      }
    },
    async verify() {
      const why = 'the legacy system wrote no checksums of it'
      throw new BackupdError('BAD_INPUT', `Cannot verify "${info.name}": ${why}. Back its volume up anew`)
    },
    async [Symbol.asyncDispose]() {},
  }
}
