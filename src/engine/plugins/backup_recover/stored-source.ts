import { unpackArchive } from '../../../archive/unpack.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { StoredBackup } from '../../../store/store.ts'
import { copyMirror } from '../../../volume/copy/copy-mirror.ts'
import { type ChosenFiles, EVERYTHING } from '../../../volume/tree/chosen-paths.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import { measureArchive } from './measure-archive.ts'
import { membersOf } from './members-of.ts'
import type { Filling, RecoverSource } from './recover-source.ts'

/** An archive, or a mirror of the recorded system. */
export function storedSource(backup: StoredBackup, warn: (message: string) => void): RecoverSource {
  const { info, manifest, mirror } = backup
  const isLegacy = manifest === null && info.corrupt === null && info.source !== ''
  // The tar stream tells how much it is, holes left out; of an archive without a manifest only the compressed size is known.
  const needs = { bytes: manifest?.tarBytes ?? info.size, entries: manifest?.entries ?? 0 }
  return {
    ...{ legacySource: isLegacy ? info.source : null, state: info.state, suspect: info.suspect },
    totals: manifest && { bytes: manifest.bytes, files: manifest.files },
    needs,
    async measure(chosen, signal) {
      return chosen ? await measureArchive(backup, chosen, signal) : needs
    },
    async fill(into, chosen) {
      if (!mirror)
        return await unpack(backup, into, chosen).catch((error) => noteCorruption(backup, error, warn))
      return await mirror.withFolder((folder) =>
        copyMirror({ ...into, mirror: folder, chosen: chosen ?? EVERYTHING }),
      )
    },
    async plan() {
      const what = 'only the recover of a snapshot can be planned: leave out "plan"'
      throw new BackupdError('BAD_INPUT', what)
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function unpack(
  backup: StoredBackup,
  into: Filling,
  chosen: ChosenFiles | null,
): Promise<UnpackSummary> {
  const { manifest } = backup
  await using archive = await backup.openObject()
  return await unpackArchive({
    ...into,
    archive,
    expected: manifest && { size: manifest.size, sha256: manifest.sha256, tarBytes: manifest.tarBytes },
    members: await membersOf(backup),
    chosen: chosen ?? undefined,
  })
}

/** What proved corrupt is marked so in the store, or a backup nobody can recover would go on counting as good. */
async function noteCorruption(
  backup: StoredBackup,
  error: unknown,
  warn: (message: string) => void,
): Promise<never> {
  if (error instanceof BackupdError && error.code === 'ARCHIVE_CORRUPT') {
    try {
      await backup.markCorrupt(error.message)
    } catch (failure) {
      warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
    }
  }
  throw error
}
