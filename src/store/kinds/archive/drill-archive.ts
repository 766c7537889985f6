import { compareRestored } from '../../../archive/compare-restored.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { DrillCheck } from '../../stored-backup.ts'
import type { StoredArchive } from './stored-archive.ts'

/** Compares a restored archive with its index, which has to be as its manifest says. */
export function drillArchive(archive: StoredArchive): DrillCheck {
  return {
    async compare(tree) {
      await using index = await archive.openIndex()
      if (index) return await compareRestored({ ...tree, index })
      const what = 'The index of the archive is damaged: it is missing, or differs from its sha256'
      throw new BackupdError('ARCHIVE_CORRUPT', what)
    },
    // The whole archive was compared with its sha256 while it was restored. A new proof would hide a changed manifest.
    noteProof: async (rid) =>
      !archive.isManifestChanged &&
      (await archive.markVerified({ rid, method: 'hash', share: 1, by: 'drill', mode: 'full' })),
  }
}
