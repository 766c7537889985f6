import { ByteStream } from '../../../archive/byte-stream.ts'
import { checkSize } from '../../../archive/expected.ts'
import { readTarContent } from '../../../archive/file-content.ts'
import { type IndexEntry, readIndex } from '../../../archive/index-format.ts'
import { inflatePlanned } from '../../../archive/inflate-planned.ts'
import { findMembers } from '../../../archive/plan-chosen.ts'
import { readTarEntries } from '../../../archive/tar-entries.ts'
import { explainUnpackError } from '../../../archive/unpack-error.ts'
import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { trimSlashes } from '../../../lib/trim-slashes.ts'
import type { ByteSpan } from '../../../objects/driver.ts'
import type { OpenedFile } from '../../stored-backup.ts'
import { noSuchPath, notAFile } from '../no-such-file.ts'
import { readArchiveEntries } from './archive-entries.ts'
import { makeKnown } from './restore-archive.ts'
import { makeExpected, type StoredArchive } from './stored-archive.ts'

/** Opens a file of an archive: with an index, only what is needed of the archive is read later; else all of it is, now and then. */
export async function openArchiveFile(
  archive: StoredArchive,
  path: string,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const wanted = bytesToText(textToBytes(trimSlashes(path)))
  const found = (await findByIndex(archive, wanted, signal)) ?? (await findByReading(archive, wanted, signal))
  return { ...found, async [Symbol.asyncDispose]() {} }
}

type FoundFile = Omit<OpenedFile, typeof Symbol.asyncDispose>

interface IndexedEntry {
  entry: IndexEntry
  /** Pairs: compressed and plain bytes of each member. */
  sizes: number[]
}

/** Undefined if the index is missing, or does not fit the archive. */
async function findByIndex(
  archive: StoredArchive,
  wanted: string,
  signal: AbortSignal,
): Promise<FoundFile | undefined> {
  const { manifest } = archive
  const named = manifest && (await searchIndex(archive, ({ path }) => path === wanted, signal))
  if (!named) return undefined
  if (named.entry === undefined) throw noSuchPath(wanted)
  const { dataEntry, type } = named.entry
  const isOfLink = ({ offset }: IndexEntry) => offset === dataEntry
  const { entry, sizes } =
    type === 'hardlink' ? ((await searchIndex(archive, isOfLink, signal)) ?? named) : named
  if (entry?.type !== 'file') throw notAFile(wanted, entry?.type ?? 'link to nothing')
  if (!findMembers([entry], sizes, manifest.size)) return undefined
  const read = (span: ByteSpan) => readByIndex(archive, { entry, sizes }, { span, signal })
  return { size: entry.size, read }
}

/** Reads the index to its end, where a damaged one shows itself. Undefined if it is missing. */
async function searchIndex(
  archive: StoredArchive,
  isWanted: (entry: IndexEntry) => boolean,
  signal: AbortSignal,
): Promise<{ entry: IndexEntry | undefined; sizes: number[] } | undefined> {
  await using index = await archive.openIndex()
  if (!index) return undefined
  let entry: IndexEntry | undefined
  const sizes: number[] = []
  for await (const line of readIndex(index)) {
    signal.throwIfAborted()
    if (line.kind === 'members') for (const pair of line.sizes) sizes.push(...pair)
    else if (line.kind === 'entry' && isWanted(line)) entry = line
  }
  return { entry, sizes }
}

interface SpanReading {
  span: ByteSpan
  signal: AbortSignal
}

/** Reads only the members that have the span, and those with the headers of the file. */
async function* readByIndex(
  archive: StoredArchive,
  { entry, sizes }: IndexedEntry,
  { span, signal }: SpanReading,
): AsyncGenerator<Buffer> {
  const { offset, length, size, sha256 } = entry
  const open = (from: number, end: number) => openStretch(archive, sizes, { span: { from, end }, signal })
  await using stretch = await open(offset, offset + length)
  const { stream } = stretch
  try {
    for await (const header of readTarEntries(stream)) {
      const isInside = stream.position + header.stored <= length
      if (header.type !== 'file' || header.size !== size || !isInside) throw differs(entry)
      if (header.extents !== null || span.from === 0) {
        yield* readTarContent(stream, header, { ...span, sha256 })
        return
      }
      const start = offset + stream.position
      await using content = await open(start + span.from, start + span.end)
      const part = { size: span.end - span.from, extents: null }
      yield* readTarContent(content.stream, part, { from: 0, end: part.size, sha256: null })
      return
    }
    throw differs(entry)
  } catch (error) {
    signal.throwIfAborted()
    throw explainUnpackError(error, { position: offset + stream.position, entry: textToBytes(entry.path) })
  }
}

function differs({ path }: IndexEntry): BackupdError {
  const what = `The archive is damaged: it does not have the file "${path}" where its index says. Use an older backup`
  return new BackupdError('ARCHIVE_CORRUPT', what, { facts: { path } })
}

/** Opens a stretch of the tar stream. */
async function openStretch(archive: StoredArchive, sizes: readonly number[], { span, signal }: SpanReading) {
  const wanted = { offset: span.from, length: span.end - span.from }
  const members = findMembers([wanted], sizes, archive.manifest?.size ?? 0) ?? []
  const spans = members.map(({ at, bytes }) => ({ from: at, end: at + bytes }))
  await using parts = new AsyncDisposableStack()
  const object = parts.use(await archive.openObject(makeKnown(archive, spans)))
  checkSize(object.size, makeExpected(archive))
  const stream = new ByteStream(inflatePlanned(object, members, signal))
  parts.defer(() => stream.close().catch(() => {}))
  const owned = parts.move()
  return { stream, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The last entry of a name counts, as it does for tar. */
interface ReadEntry {
  /** How many entries came before it. */
  position: number
  type: string
  size: number
  linkPath: Buffer | null
}

async function findByReading(archive: StoredArchive, path: string, signal: AbortSignal): Promise<FoundFile> {
  let found = await searchArchive(archive, {
    path: textToBytes(path),
    before: Number.POSITIVE_INFINITY,
    signal,
  })
  if (!found) throw noSuchPath(path)
  while (found.linkPath) {
    const target = await searchArchive(archive, { path: found.linkPath, before: found.position, signal })
    if (!target) throw notAFile(path, 'hard link to nothing')
    found = target
  }
  if (found.type !== 'file') throw notAFile(path, found.type)
  const { position, size } = found
  return { size, read: (span) => readAtPosition(archive, position, { span, signal }) }
}

async function searchArchive(
  archive: StoredArchive,
  { path, before, signal }: { path: Buffer; before: number; signal: AbortSignal },
): Promise<ReadEntry | undefined> {
  await using object = await archive.openObject()
  let found: ReadEntry | undefined
  let position = 0
  for await (const { entry, path: own, resolveLink } of readArchiveEntries(object, signal)) {
    if (position >= before) break
    if (own.equals(path)) {
      const { type, size } = entry
      found = { position, type, size, linkPath: type === 'hardlink' ? resolveLink() : null }
    }
    position += 1
  }
  return found
}

async function* readAtPosition(
  archive: StoredArchive,
  wanted: number,
  { span, signal }: SpanReading,
): AsyncGenerator<Buffer> {
  await using object = await archive.openObject()
  let position = 0
  for await (const { entry, stream } of readArchiveEntries(object, signal)) {
    if (position++ < wanted) continue
    try {
      yield* readTarContent(stream, entry, { ...span, sha256: null })
      return
    } catch (error) {
      signal.throwIfAborted()
      throw explainUnpackError(error, { position: stream.position, entry: entry.name })
    }
  }
  throw new BackupdError(
    'ARCHIVE_CORRUPT',
    'The archive ended before the file: it changed meanwhile. Try again',
  )
}
