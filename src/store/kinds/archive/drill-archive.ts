import { type IndexEntry, readIndex } from '../../../archive/index-format.ts'
import { textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import { compareRestored, type ExpectedEntry } from '../../../volume/compare-restored.ts'
import type { DrillCheck } from '../../stored-backup.ts'
import type { StoredArchive } from './stored-archive.ts'

/** Compares a restored archive with its index, which has to be as its manifest says. */
export function drillArchive(archive: StoredArchive): DrillCheck {
  return {
    // What was restored was read once.
    isDamageCertain: false,
    async compare(tree) {
      await using index = await archive.openIndex()
      if (index) return await compareRestored(tree, readExpected(index))
      const what = 'The index of the archive is damaged: it is missing, or differs from its sha256'
      throw new BackupdError('ARCHIVE_CORRUPT', what)
    },
    // The whole archive was compared with its sha256 while it was restored. A new proof would hide a changed manifest.
    noteProof: async (rid) =>
      !archive.isManifestChanged &&
      (await archive.markVerified({ rid, method: 'hash', share: 1, by: 'drill', mode: 'full' })),
  }
}

/** Throws ARCHIVE_CORRUPT if the index is damaged. */
async function* readExpected(index: ObjectReader): AsyncGenerator<ExpectedEntry> {
  for await (const line of readIndex(index))
    if (line.kind === 'entry' && line.path !== '') yield toExpected(line)
}

function toExpected({ path, type, mode, uid, gid, size, linkTarget, sha256 }: IndexEntry): ExpectedEntry {
  return {
    path: textToBytes(path),
    type,
    mode,
    uid,
    gid,
    size,
    linkTarget: linkTarget === null ? null : textToBytes(linkTarget),
    content: sha256 === null ? null : [{ length: size, sha256: Buffer.from(sha256, 'hex') }],
  }
}
