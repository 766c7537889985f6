// Archives: full backups, each a .tar.gz with a manifest and an index beside it. src/archive reads and writes the
// format. Legacy archives have neither manifest nor index: they are listed by reading the whole archive.
// find-backup.ts opens an archive as a StoredBackup here; start-archive.ts makes one.

import { readIndex, toArchiveFileInfo } from '../../../archive/index-format.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { Reader, StoredBackup } from '../../stored-backup.ts'
import { findLegacySource, refuseSnapshot } from '../without-snapshots.ts'
import { archiveEntries } from './archive-entries.ts'
import { drillArchive } from './drill-archive.ts'
import { listFolder } from './list-folder.ts'
import { measureArchive } from './measure-archive.ts'
import { openArchiveFile } from './open-file.ts'
import { planArchive } from './plan-archive.ts'
import { restoreArchive } from './restore-archive.ts'
import type { StoredArchive } from './stored-archive.ts'
import { confirmDamage, isDamage, verifyStoredArchive } from './verify-archive.ts'

/** A full backup. Listed from its index or, if that is missing or damaged, by reading the archive from start to end. */
export function archiveBackup(archive: StoredArchive): StoredBackup {
  const { info, manifest } = archive
  // The tar stream has all content except holes; without a manifest only the compressed size is known.
  const needs = { bytes: manifest?.tarBytes ?? info.size, entries: manifest?.entries ?? 0 }
  return {
    info,
    signed: { print: archive.printSigned, signature: manifest?.signature },
    async listFiles({ path, after, limit, snapshot }, signal) {
      refuseSnapshot(snapshot)
      const index = await archive.openIndex()
      await using source = index ?? (await archive.openObject())
      const entries = index ? indexEntries(index) : archiveEntries(source, signal)
      return await listFolder(entries, { path, after, limit })
    },
    async openFile({ path, snapshot }, { signal }) {
      refuseSnapshot(snapshot)
      return await openArchiveFile(archive, path, signal)
    },
    async open(snapshot, reader) {
      refuseSnapshot(snapshot)
      return {
        legacySource: manifest === null ? findLegacySource(info) : null,
        snapshot: null,
        state: info.state,
        suspect: info.suspect,
        totals: manifest && { bytes: manifest.bytes, files: manifest.files },
        needs,
        measure: async (chosen, signal) => (chosen ? await measureArchive(archive, chosen, signal) : needs),
        restore: (into, chosen) =>
          markIfCorrupt(archive, reader, () => restoreArchive(archive, into, chosen)),
        ...(manifest?.index && { drill: drillArchive(archive) }),
        plan: (question) => planArchive(archive, question),
        async [Symbol.asyncDispose]() {},
      }
    },
    verify: (run) => verifyStoredArchive(archive, run),
    async [Symbol.asyncDispose]() {},
  }
}

async function* indexEntries(index: ObjectReader): AsyncGenerator<FileInfo> {
  for await (const line of readIndex(index)) if (line.kind === 'entry') yield toArchiveFileInfo(line)
}

/** A recover that finds damage reads the archive once more before it marks it: a single read may have been wrong. */
async function markIfCorrupt<T>(archive: StoredArchive, reader: Reader, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (isDamage(error)) await confirmDamage(archive, reader)
    throw error
  }
}
