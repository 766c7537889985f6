import { createHash, type Hash } from 'node:crypto'
import { describeReason } from '../volume/tree/describe-reason.ts'
import type { Extent, FileSource, TreeItem } from '../volume/tree/entry.ts'
import type { GzipMembers } from './gzip-members.ts'

/** What storeContent() needs to write the content of files into a tar stream. */
export interface ContentWriter {
  stream: GzipMembers
  signal: AbortSignal
  /** Called after each piece with the bytes of content since the last call. */
  onBytes(bytes: number): void
}

/** The result of storing one file. */
export interface StoredContent {
  /** Of the whole content, holes as zeros; null if the holes are too large to be hashed. */
  sha256: string | null
  /** Set if the file ended early or could not be read to its end; the rest is stored as zeros. */
  fault: string | undefined
}

/** If a file has more holes than this, it is not hashed: that would take longer than the backup. */
const MAX_HASHED_HOLE_BYTES = 2 ** 30
const ZEROS = Buffer.alloc(1 << 20)

/** Stores the content of an open file: its extents, or everything if `extents` is null. Hashes it on the way. */
export async function storeContent(
  writer: ContentWriter,
  { entry }: TreeItem,
  source: FileSource,
): Promise<StoredContent> {
  const extents = entry.extents ?? [{ offset: 0, length: entry.size }]
  const hash = createHash('sha256')
  const holes = entry.size - extents.reduce((sum, { length }) => sum + length, 0)
  const hashesHoles = holes <= MAX_HASHED_HOLE_BYTES
  let fault: string | undefined
  let at = 0
  for (const extent of extents) {
    if (hashesHoles) await hashZeros(hash, extent.offset - at, writer.signal)
    fault = (await storeExtent(writer, { extent, source, hash, fault })) ?? fault
    at = extent.offset + extent.length
  }
  if (hashesHoles) await hashZeros(hash, entry.size - at, writer.signal)
  return { sha256: hashesHoles ? hash.digest('hex') : null, fault }
}

interface ExtentJob {
  extent: Extent
  source: FileSource
  hash: Hash
  /** After the first fault, the file is not read any further. */
  fault: string | undefined
}

async function storeExtent(
  writer: ContentWriter,
  { extent, source, hash, fault }: ExtentJob,
): Promise<string | undefined> {
  const end = extent.offset + extent.length
  let broken = fault
  for (let at = extent.offset; at < end; ) {
    writer.signal.throwIfAborted()
    const space = writer.stream.space()
    const wanted = Math.min(space.length, end - at)
    let count = 0
    if (broken === undefined) ({ count, broken } = await readPiece(source, space.subarray(0, wanted), at))
    if (broken !== undefined) {
      space.fill(0, 0, wanted)
      count = wanted
    }
    hash.update(space.subarray(0, count))
    at += count
    const wait = writer.stream.filled(count)
    if (wait) await wait
    writer.onBytes(count)
  }
  return broken
}

interface Piece {
  count: number
  broken: string | undefined
}

async function readPiece(source: FileSource, into: Buffer, position: number): Promise<Piece> {
  try {
    const count = await source.read(into, position)
    return { count, broken: count === 0 ? 'shrank while it was read: the rest of it is zeros' : undefined }
  } catch (error) {
    return {
      count: 0,
      broken: `cannot be read to its end: ${describeReason(error)}; the rest of it is zeros`,
    }
  }
}

async function hashZeros(hash: Hash, bytes: number, signal: AbortSignal): Promise<void> {
  for (let left = bytes; left > 0; left -= ZEROS.length) {
    hash.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS)
    if (left % (64 * ZEROS.length) < ZEROS.length) await breathe(signal)
  }
}

/** Lets the event loop run during a long computation, so that the process notices an abort. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  signal.throwIfAborted()
}
