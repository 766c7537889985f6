import { findLostEntries, type LostEntries } from '../../../archive/find-lost-entries.ts'
import { verifyArchive } from '../../../archive/verify.ts'
import { BackupdError, hasCode, messageOf } from '../../../lib/errors.ts'
import type { Reader, VerifyRun, VerifyVerdict } from '../../stored-backup.ts'
import { readMemberSizes } from './read-member-sizes.ts'
import { makeExpected, type StoredArchive } from './stored-archive.ts'

const NAMED_IN_MESSAGE = 3

/** What one read of an archive found. */
interface ReadResult {
  damage: BackupdError | null
  /** What is wrong with the index; null if nothing, or if there is none. */
  indexProblem: string | null
}

type ReadRun = Pick<VerifyRun, 'signal' | 'onProgress'>

/**
 * Compares an archive with its manifest, and its index with it. Damage counts only if a second read finds it too; it is
 * then noted in the manifest, and so is the proof.
 */
export async function verifyStoredArchive(archive: StoredArchive, run: VerifyRun): Promise<VerifyVerdict> {
  try {
    const read = await readTwiceIfDamaged(archive, run)
    const found = read.damage ?? findManifestDamage(archive)
    if (found && !(await archive.exists())) throw deletedMeanwhile()
    const damage = read.damage ? await describeDamage(archive, read.damage, run) : found
    if (damage) return await concludeCorrupt(archive, damage, run)
    return await concludeVerified(archive, read, run)
  } catch (error) {
    run.signal.throwIfAborted()
    if (error instanceof BackupdError) return { outcome: 'unreadable', error }
    throw error
  }
}

export function isDamage(error: unknown): error is BackupdError {
  return hasCode(error, 'ARCHIVE_CORRUPT')
}

/** Marks the archive if another read finds it damaged too. Never throws: the caller reports its own error. */
export async function confirmDamage(archive: StoredArchive, { signal, warn }: Reader): Promise<void> {
  try {
    const { damage } = await readOnce(archive, { signal, onProgress: () => {} })
    if (damage) await archive.markCorrupt(damage.message)
    else warn('a second read of the backup found no damage: it is not marked as corrupt. Verify it')
  } catch (failure) {
    warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
  }
}

async function readTwiceIfDamaged(archive: StoredArchive, run: VerifyRun): Promise<ReadResult> {
  const first = await readOnce(archive, run)
  if (!first.damage && first.indexProblem === null) return first
  const second = await readOnce(archive, run)
  if (first.damage && !second.damage)
    run.warn(`the first read found damage, the second did not: check the disk and the memory of the machine`)
  return second
}

async function readOnce(archive: StoredArchive, { signal, onProgress }: ReadRun): Promise<ReadResult> {
  const index = await archive.openIndex()
  await using closing = new AsyncDisposableStack()
  if (index) closing.use(index)
  const missing = archive.manifest?.index && !index ? 'it is missing, or differs from its sha256' : null
  try {
    await using object = await archive.openObject()
    const total = object.size
    const difference = await verifyArchive({
      archive: object,
      expected: makeExpected(archive),
      index,
      members: await readMemberSizes(archive),
      signal,
      onProgress: (bytes) => onProgress({ bytes, total }),
    })
    return { damage: null, indexProblem: missing ?? difference }
  } catch (error) {
    if (isDamage(error)) return { damage: error, indexProblem: missing }
    if (hasCode(error, 'NOT_FOUND')) return { damage: archiveMissing(error), indexProblem: missing }
    throw error
  }
}

function archiveMissing(cause: BackupdError): BackupdError {
  return new BackupdError('ARCHIVE_CORRUPT', 'The archive is damaged: it is missing in the store', { cause })
}

/** The archive can be read, but nothing says any more what it should be. */
function findManifestDamage({ manifest, info }: StoredArchive): BackupdError | null {
  if (manifest !== null || info.corrupt === null) return null
  const what = `The backup is damaged: ${info.corrupt}. Its archive was read without an error, so tar can unpack it`
  return new BackupdError('ARCHIVE_CORRUPT', what, { facts: { count: 0, files: [] } })
}

function deletedMeanwhile(): BackupdError {
  return new BackupdError('NOT_FOUND', 'it was deleted meanwhile')
}

/** Adds the files that are lost, if the index can still tell; and that the manifest may be what is damaged. */
async function describeDamage(
  archive: StoredArchive,
  damage: BackupdError,
  { signal, warn }: VerifyRun,
): Promise<BackupdError> {
  const lost = await findLost(archive, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    warn(`the files that are lost cannot be named: ${messageOf(error)}`)
    return null
  })
  const { code, facts, cause } = damage
  const sentences = [damage.message]
  if (lost) sentences.push(describeFiles(lost))
  if (archive.isManifestChanged) sentences.push(MANIFEST_DOUBTFUL)
  const named = lost ? { ...facts, count: lost.count, files: lost.paths } : facts
  return new BackupdError(code, sentences.join('. '), { facts: named, cause })
}

async function findLost(archive: StoredArchive, signal: AbortSignal): Promise<LostEntries | null> {
  const index = await archive.openIndex()
  if (!index) return null
  await using _closed = index
  await using object = await archive.openObject()
  return await findLostEntries(object, index, signal)
}

function describeFiles({ count, paths }: LostEntries): string {
  if (count === 0) return 'No file is affected: the content of all can still be read'
  const named = paths.slice(0, NAMED_IN_MESSAGE).map((path) => JSON.stringify(path))
  return `The content of ${count} paths is lost, such as ${named.join(', ')}`
}

async function concludeCorrupt(
  archive: StoredArchive,
  error: BackupdError,
  { warn }: VerifyRun,
): Promise<VerifyVerdict> {
  await archive.markCorrupt(error.message).catch((failure: unknown) => {
    warn(`the backup could not be marked corrupt in the store: ${messageOf(failure)}`)
  })
  return { outcome: 'corrupt', error }
}

/** Without a manifest there is no checksum from when it was made, so nothing is proven; gzip's own were compared. */
async function concludeVerified(
  archive: StoredArchive,
  { indexProblem }: ReadResult,
  { rid, warn }: VerifyRun,
): Promise<VerifyVerdict> {
  const { manifest, info } = archive
  const method = manifest ? 'hash' : 'structure'
  if (manifest?.corrupt) warn(`it was marked as corrupt (${manifest.corrupt.reason}), and is intact now`)
  // A new proof would hide the change.
  if (manifest && !archive.isManifestChanged) {
    await archive.markVerified({ rid, method, share: 1 }).catch((failure: unknown) => {
      warn(`the proof could not be noted in the store: ${messageOf(failure)}`)
    })
  }
  const problems = indexProblem === null ? [] : [describeIndexProblem(indexProblem)]
  if (archive.isManifestChanged) problems.push(MANIFEST_CHANGED)
  return { outcome: 'verified', result: { method, share: 1, bytes: info.size, problems } }
}

const MANIFEST_DOUBTFUL =
  'Its manifest was changed after backupd wrote it: if that is all that is wrong, the archive is intact, and tar can unpack it'
const MANIFEST_CHANGED =
  'the manifest was changed after backupd wrote it, so what is listed of the backup may be wrong, and the proof is not noted. The archive has the sha256 in it. If you changed it on purpose, remove its line "checksum"'

function describeIndexProblem(problem: string): string {
  return `the index of the archive is damaged: ${problem}. No file is lost: lists and recovers read the whole archive instead`
}
