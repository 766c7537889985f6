import { textToBytes } from '../../../lib/byte-paths.ts'
import type { ByteSpan } from '../../../objects/driver.ts'
import { findNode, volumeTree } from '../../../restic/read/volume-tree.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { snapshotCorrupt } from '../../../restic/repository/repository-errors.ts'
import type { FileQuestion, OpenedFile, Reader } from '../../stored-backup.ts'
import { noSuchPath, notAFile } from '../no-such-file.ts'
import { findSnapshot } from './find-snapshot.ts'
import { createDamageNoter, deletedMeanwhile, lockSeries, type ReadSeries } from './open-snapshot.ts'
import { createReadRepository } from './report-damage.ts'

/** Blobs that are read ahead, while earlier ones are handed out. */
const BLOBS_AHEAD = 3

/** Opens a file of a snapshot. The repository stays locked until it is closed, as for a recover. */
export async function openSnapshotFile(
  { world, namespace, repository, series }: ReadSeries,
  { path, snapshot }: FileQuestion,
  reader: Reader,
): Promise<OpenedFile> {
  const found = findSnapshot(series, snapshot)
  await using parts = new AsyncDisposableStack()
  const lock = parts.use(await lockSeries(repository, reader))
  if (!lock.snapshots.includes(found.id)) throw deletedMeanwhile(found.id)
  const noteDamage = createDamageNoter(
    createReadRepository(world, { repository, namespace, warn: reader.warn }),
    lock,
    found.id,
  )
  await repository.loadIndex()
  const node = await noteDamage(async () =>
    findNode(repository, await volumeTree(repository, found.file), textToBytes(path)),
  )
  if (!node) throw noSuchPath(path)
  if (node.entry.type !== 'file') throw notAFile(path, node.entry.type)
  const { content, entry } = node
  const owned = parts.move()
  return {
    size: entry.size,
    async *read(span) {
      const pieces = readBlobs(repository, placeBlobs(repository, content, entry.size), span)
      try {
        for (;;) {
          reader.signal.throwIfAborted()
          const next = await noteDamage(() => pieces.next())
          if (next.done) return
          yield next.value
        }
      } finally {
        await pieces.return(undefined)
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface PlacedBlob extends ByteSpan {
  id: Buffer
}

/** Where each blob lies in the file. Throws SNAPSHOT_CORRUPT if one is missing, or if they do not make the whole file. */
function placeBlobs(repository: Repository, content: readonly Buffer[], size: number): PlacedBlob[] {
  let at = 0
  const placed = content.map((id) => {
    const length = repository.blobSize('data', id)
    if (length === undefined) throw snapshotCorrupt({ type: 'data', id }, null, 'no index has it')
    const blob = { id, from: at, end: at + length }
    at = blob.end
    return blob
  })
  const last = content.at(-1) ?? Buffer.alloc(32)
  if (at !== size) {
    const why = `it and the others of its file have ${at} bytes, and the file ${size}`
    throw snapshotCorrupt({ type: 'data', id: last }, null, why)
  }
  return placed
}

async function* readBlobs(
  repository: Repository,
  blobs: readonly PlacedBlob[],
  { from, end }: ByteSpan,
): AsyncGenerator<Buffer, void, undefined> {
  const ahead: { blob: PlacedBlob; plain: Promise<Buffer> }[] = []
  try {
    for (const blob of blobs) {
      if (blob.end <= from || blob.from >= end) continue
      const plain = repository.readBlob('data', blob.id)
      // An error counts when it is its turn.
      plain.catch(() => {})
      ahead.push({ blob, plain })
      if (ahead.length > BLOBS_AHEAD) yield* cutOut(ahead.shift(), { from, end })
    }
    while (ahead.length > 0) yield* cutOut(ahead.shift(), { from, end })
  } finally {
    await Promise.allSettled(ahead.map(({ plain }) => plain))
  }
}

async function* cutOut(
  next: { blob: PlacedBlob; plain: Promise<Buffer> } | undefined,
  { from, end }: ByteSpan,
): AsyncGenerator<Buffer> {
  if (!next) return
  const plain = await next.plain
  yield plain.subarray(Math.max(from - next.blob.from, 0), end - next.blob.from)
}
