// Archives: full backups, each a .tar.gz with a manifest and an index beside it. src/archive reads and writes the
// format. Legacy archives have neither manifest nor index: they are listed by reading the whole archive.
// find-backup.ts opens an archive as a StoredBackup here; start-archive.ts makes one.

import { readIndex, toArchiveFileInfo } from '../../../archive/index-format.ts'
import { unpackArchive } from '../../../archive/unpack.ts'
import { verifyArchive } from '../../../archive/verify.ts'
import { hasCode, messageOf } from '../../../lib/errors.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { Reader, RestoreTarget, StoredBackup } from '../../stored-backup.ts'
import { findLegacySource, refusePlan, refuseSnapshot } from '../without-snapshots.ts'
import { archiveEntries } from './archive-entries.ts'
import { listFolder } from './list-folder.ts'
import { measureArchive } from './measure-archive.ts'
import { readMemberSizes } from './read-member-sizes.ts'
import type { StoredArchive } from './stored-archive.ts'

/** A full backup. Listed from its index or, if that is missing or damaged, by reading the archive from start to end. */
export function archiveBackup(archive: StoredArchive): StoredBackup {
  const { info, manifest } = archive
  // The tar stream has all content except holes; without a manifest only the compressed size is known.
  const needs = { bytes: manifest?.tarBytes ?? info.size, entries: manifest?.entries ?? 0 }
  return {
    info,
    async listFiles({ path, after, limit, snapshot }, signal) {
      refuseSnapshot(snapshot)
      const index = await archive.openIndex()
      await using source = index ?? (await archive.openObject())
      const entries = index ? indexEntries(index) : archiveEntries(source, signal)
      return await listFolder(entries, { path, after, limit })
    },
    async open(snapshot, reader) {
      refuseSnapshot(snapshot)
      return {
        legacySource: manifest === null ? findLegacySource(info) : null,
        state: info.state,
        suspect: info.suspect,
        totals: manifest && { bytes: manifest.bytes, files: manifest.files },
        needs,
        measure: async (chosen, signal) => (chosen ? await measureArchive(archive, chosen, signal) : needs),
        restore: (into, chosen) =>
          markIfCorrupt(archive, reader, () => restoreArchive(archive, into, chosen)),
        plan: refusePlan,
        async [Symbol.asyncDispose]() {},
      }
    },
    verify: (reader, onProgress) =>
      markIfCorrupt(archive, reader, () => verifyStored(archive, reader, onProgress)),
    async [Symbol.asyncDispose]() {},
  }
}

async function* indexEntries(index: ObjectReader): AsyncGenerator<FileInfo> {
  for await (const line of readIndex(index)) if (line.kind === 'entry') yield toArchiveFileInfo(line)
}

async function restoreArchive(
  stored: StoredArchive,
  into: RestoreTarget,
  chosen: ChosenFiles | null,
): Promise<UnpackSummary> {
  await using archive = await stored.openObject()
  const expected = makeExpected(stored)
  return await unpackArchive({
    ...into,
    archive,
    expected,
    members: await readMemberSizes(stored),
    chosen: chosen ?? undefined,
  })
}

async function verifyStored(
  stored: StoredArchive,
  { signal }: Reader,
  onProgress: (bytes: number) => void,
): Promise<void> {
  await using archive = await stored.openObject()
  await verifyArchive({ archive, expected: makeExpected(stored), signal, onProgress })
}

function makeExpected({ manifest }: StoredArchive) {
  return manifest && { size: manifest.size, sha256: manifest.sha256, tarBytes: manifest.tarBytes }
}

/** Marks the backup in the store if it proves corrupt; else one that nobody can recover would keep counting as good. */
async function markIfCorrupt<T>(archive: StoredArchive, { warn }: Reader, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (hasCode(error, 'ARCHIVE_CORRUPT')) {
      await archive.markCorrupt(error.message).catch((failure: unknown) => {
        warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
      })
    }
    throw error
  }
}
