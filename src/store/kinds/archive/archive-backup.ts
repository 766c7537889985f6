import { fileInfoOf, readIndex } from '../../../archive/index-format.ts'
import { unpackArchive } from '../../../archive/unpack.ts'
import { verifyArchive } from '../../../archive/verify.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import type { Filling, Reader, StoredBackup } from '../../stored-backup.ts'
import { hasNoSnapshots, legacySourceOf, plansNothing } from '../without-snapshots.ts'
import { archiveEntries } from './archive-entries.ts'
import { listFolder } from './list-folder.ts'
import { measureArchive } from './measure-archive.ts'
import { membersOf } from './members-of.ts'
import type { StoredArchive } from './stored-archive.ts'

/** A full backup: listed by the index beside it, or, if that is missing or damaged, by reading it in order. */
export function archiveBackup(archive: StoredArchive): StoredBackup {
  const { info, manifest } = archive
  // The tar stream tells how much it is, holes left out; of an archive without a manifest only the compressed size is known.
  const needs = { bytes: manifest?.tarBytes ?? info.size, entries: manifest?.entries ?? 0 }
  return {
    info,
    async listFiles({ path, after, limit, snapshot }, signal) {
      hasNoSnapshots(snapshot)
      const index = await archive.openIndex()
      await using source = index ?? (await archive.openObject())
      const entries = index ? indexEntries(index) : archiveEntries(source, signal)
      return await listFolder(entries, { path, after, limit })
    },
    async open(snapshot, reader) {
      hasNoSnapshots(snapshot)
      return {
        legacySource: manifest === null ? legacySourceOf(info) : null,
        ...{ state: info.state, suspect: info.suspect },
        totals: manifest && { bytes: manifest.bytes, files: manifest.files },
        needs,
        measure: async (chosen, signal) => (chosen ? await measureArchive(archive, chosen, signal) : needs),
        restore: (into, chosen) => noting(archive, reader, () => unpack(archive, into, chosen)),
        plan: plansNothing,
        async [Symbol.asyncDispose]() {},
      }
    },
    verify: (reader, onProgress) => noting(archive, reader, () => readAll(archive, reader, onProgress)),
    async [Symbol.asyncDispose]() {},
  }
}

async function* indexEntries(index: ObjectReader): AsyncGenerator<FileInfo> {
  for await (const line of readIndex(index)) if (line.kind === 'entry') yield fileInfoOf(line)
}

async function unpack(
  stored: StoredArchive,
  into: Filling,
  chosen: ChosenFiles | null,
): Promise<UnpackSummary> {
  await using archive = await stored.openObject()
  const expected = expectedOf(stored)
  return await unpackArchive({
    ...{ ...into, archive, expected },
    members: await membersOf(stored),
    chosen: chosen ?? undefined,
  })
}

async function readAll(
  stored: StoredArchive,
  { signal }: Reader,
  onProgress: (bytes: number) => void,
): Promise<void> {
  await using archive = await stored.openObject()
  await verifyArchive({ archive, expected: expectedOf(stored), signal, onProgress })
}

function expectedOf({ manifest }: StoredArchive) {
  return manifest && { size: manifest.size, sha256: manifest.sha256, tarBytes: manifest.tarBytes }
}

/** What proves corrupt is marked so in the store, or a backup nobody can recover would go on counting as good. */
async function noting<T>(archive: StoredArchive, { warn }: Reader, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof BackupdError && error.code === 'ARCHIVE_CORRUPT') {
      await archive.markCorrupt(error.message).catch((failure: unknown) => {
        warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
      })
    }
    throw error
  }
}
