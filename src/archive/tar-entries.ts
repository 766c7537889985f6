import { SLASH } from '../lib/byte-paths.ts'
import type { EntryType, Extent, Xattr } from '../volume/tree/entry.ts'
import { parseFlags } from '../volume/tree/inode-flags.ts'
import { corrupt } from './archive-fault.ts'
import type { ByteStream } from './byte-stream.ts'
import { lastValue, type PaxRecord, parsePaxRecords } from './pax-records.ts'
import { readOldSparseMap, readPaxSparseMap, type SparseMap } from './sparse-map.ts'
import { fieldBytes, parseDecimal, parseDecimalSeconds } from './tar-fields.ts'
import { BLOCK_SIZE, decodeHeader, paddingBytes, type TarHeader } from './tar-header.ts'
import { decodeXattrs } from './tar-xattrs.ts'

/** Long names, pax records and sparse maps are kept in memory. Larger ones count as an attack. */
const MAX_HEADER_BYTES = 64 << 20

/** One entry, with all extended headers before it applied. Names are as in the archive. */
export interface TarEntry {
  type: EntryType | 'hardlink'
  name: Buffer
  /** The target of a symlink, or the name of the entry to which a hard link refers. */
  linkName: Buffer
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  major: number
  minor: number
  /** The size of a file with its holes. */
  size: number
  /** How many bytes of content follow in the stream. */
  stored: number
  extents: Extent[] | null
  xattrs: Xattr[]
  /** Inode flags, 0 for none. */
  flags: number
  /** What could not be understood, each as the end of a sentence. */
  doubts: string[]
}

/** The extended headers before an entry. */
interface Pending {
  records: PaxRecord[]
  longName: Buffer | undefined
  longLink: Buffer | undefined
}

/**
 * Reads a tar stream: old, ustar, GNU and pax headers, and all kinds of GNU sparse files. Yields each entry before its
 * content: the caller may read up to `stored` bytes from the stream, the rest is skipped. Ends after the end mark.
 * Throws a corrupt ArchiveFault, also if the end mark is missing.
 */
export async function* readTarEntries(stream: ByteStream): AsyncGenerator<TarEntry> {
  let globals: PaxRecord[] = []
  let pending = nothingPending()
  for (let header = await nextHeader(stream); header; header = await nextHeader(stream)) {
    if (header.type === 'g') globals = mergeGlobals(globals, parsePaxRecords(await readBody(stream, header)))
    else if (isPrefix(header.type)) await readPrefix(pending, header, stream)
    else {
      yield* readEntry(stream, header, { ...pending, records: [...globals, ...pending.records] })
      pending = nothingPending()
    }
  }
}

function nothingPending(): Pending {
  return { records: [], longName: undefined, longLink: undefined }
}

/** Null at the end mark, which is two blocks of zeros. A single one is skipped. */
async function nextHeader(stream: ByteStream): Promise<TarHeader | null> {
  for (let zeros = 0; zeros < 2; zeros++) {
    const block = await stream.readOrEnd(BLOCK_SIZE)
    if (!block && zeros > 0) return null
    if (!block) throw corrupt('it ends without an end mark')
    const header = decodeHeader(block)
    if (header) return header
  }
  return null
}

/** `X` is Solaris's name of `x`. */
function isPrefix(type: string): boolean {
  return 'xXLK'.includes(type)
}

async function readPrefix(pending: Pending, header: TarHeader, stream: ByteStream): Promise<void> {
  const body = await readBody(stream, header)
  if (header.type === 'L') pending.longName = upToNul(body)
  else if (header.type === 'K') pending.longLink = upToNul(body)
  else pending.records = parsePaxRecords(body)
}

async function readBody(stream: ByteStream, { size }: TarHeader): Promise<Buffer> {
  if (size > MAX_HEADER_BYTES)
    throw corrupt(`it has a header of ${size} bytes, expected at most ${MAX_HEADER_BYTES}`)
  const body = await stream.read(size)
  await stream.skip(paddingBytes(size))
  return body
}

/** Ignores global names and sizes: they would give all entries the same one. */
function mergeGlobals(old: readonly PaxRecord[], more: readonly PaxRecord[]): PaxRecord[] {
  const kept = more.filter(({ key }) => !/^(path|linkpath|size|GNU\.sparse\..*)$/.test(key))
  return [...old.filter(({ key }) => !kept.some((record) => record.key === key)), ...kept]
}

/** Yields the entry, unless it is a volume label, and skips its content. */
async function* readEntry(stream: ByteStream, header: TarHeader, pending: Pending): AsyncGenerator<TarEntry> {
  if (header.type === 'M' || header.type === 'N')
    throw corrupt(`entries of type "${header.type}" are not supported`)
  const name = readRecordValue(pending.records, 'path') ?? pending.longName ?? header.name
  const type = readType(header, readRecordValue(pending.records, 'GNU.sparse.name') ?? name)
  const size = HEADER_ONLY.has(header.type) ? 0 : storedSize(header, pending.records)
  const sparse = type === 'file' ? await readSparseMap(stream, header, pending.records) : null
  const start = stream.position - (sparse?.mapBytes ?? 0)
  if (header.type !== 'V') yield createEntry({ header, pending, type, size, sparse })
  const left = start + size - stream.position
  if (left < 0) throw corrupt('the map of a sparse file is longer than the file')
  await stream.skip(left + paddingBytes(size))
}

/** These types have no content, even if a tar writes a size. */
const HEADER_ONLY = new Set(['1', '2', '3', '4', '5', '6'])
const TYPES: Record<string, TarEntry['type']> = {
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'chardev',
  '4': 'blockdev',
  '5': 'directory',
  '6': 'fifo',
  D: 'directory',
}

/** In old tars, a directory is a file whose name ends with a slash. */
function readType(header: TarHeader, name: Buffer): TarEntry['type'] {
  return TYPES[header.type] ?? (name.at(-1) === SLASH ? 'directory' : 'file')
}

function storedSize(header: TarHeader, records: readonly PaxRecord[]): number {
  const size = readRecordValue(records, 'size')
  return size ? parseDecimal(size.toString('latin1')) : header.size
}

async function readSparseMap(
  stream: ByteStream,
  header: TarHeader,
  records: readonly PaxRecord[],
): Promise<SparseMap | null> {
  return header.type === 'S' ? readOldSparseMap(header.block, stream) : readPaxSparseMap(records, stream)
}

interface EntryParts {
  header: TarHeader
  pending: Pending
  type: TarEntry['type']
  size: number
  sparse: SparseMap | null
}

function createEntry({ header, pending, type, size, sparse }: EntryParts): TarEntry {
  const { records } = pending
  const { xattrs, doubts } = decodeXattrs(records)
  const mtime = readRecordValue(records, 'mtime')?.toString('latin1')
  const stored = size - (sparse?.mapBytes ?? 0)
  const data = sparse?.extents.reduce((sum, { length }) => sum + length, 0) ?? stored
  if (data !== stored) throw corrupt('the map of a sparse file does not fit its data')
  if (!KNOWN_TYPES.test(header.type))
    doubts.push(`has the unknown type "${header.type}" and was restored as a file`)
  return {
    type,
    name:
      readRecordValue(records, 'GNU.sparse.name') ??
      readRecordValue(records, 'path') ??
      pending.longName ??
      header.name,
    linkName: readRecordValue(records, 'linkpath') ?? pending.longLink ?? header.linkName,
    mode: header.mode,
    uid: parseOwner(readRecordValue(records, 'uid'), header.uid, doubts),
    gid: parseOwner(readRecordValue(records, 'gid'), header.gid, doubts),
    mtimeNs: mtime === undefined ? header.mtimeNs : parseDecimalSeconds(mtime),
    major: header.major,
    minor: header.minor,
    size: type === 'file' ? (sparse?.size ?? size) : 0,
    stored: type === 'file' ? stored : 0,
    extents: sparse?.extents ?? null,
    xattrs,
    flags: parseFlags(readRecordValue(records, 'SCHILY.fflags')?.toString('latin1') ?? ''),
    doubts,
  }
}

const KNOWN_TYPES = /^[0-7SD]$/
/** The kernel uses the next id to say "do not change the owner". */
const MAX_ID = 0xfffffffe

function parseOwner(record: Buffer | undefined, inHeader: number, doubts: string[]): number {
  const id = record ? parseDecimal(record.toString('latin1')) : inHeader
  if (id >= 0 && id <= MAX_ID) return id
  doubts.push(`belongs to ${id}, which is not a valid id; it was given to root`)
  return 0
}

/** The value of a pax record; an empty value revokes earlier ones. */
function readRecordValue(records: readonly PaxRecord[], key: string): Buffer | undefined {
  const value = lastValue(records, key)
  return value?.length ? value : undefined
}

function upToNul(body: Buffer): Buffer {
  return fieldBytes(body, 0, body.length)
}
