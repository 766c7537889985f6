import { Header } from 'tar'
import { SLASH } from '../lib/byte-paths.ts'
import { NS_PER_SECOND } from '../lib/time-units.ts'
import type { EntryType, TreeEntry } from '../volume/tree/entry.ts'
import { flagsText } from '../volume/tree/inode-flags.ts'
import { encodePaxRecords, formatPaxTime } from './pax-encode.ts'
import type { PaxRecord } from './pax-records.ts'
import { BLOCK_SIZE, paddingBytes } from './tar-header.ts'
import { encodeXattrs } from './xattr-records.ts'

/** The facts that the header of an entry contains. */
export interface MemberHead {
  entry: TreeEntry
  /** The whole name in the archive. */
  name: Buffer
  /** The target of a symlink, or the name of the entry that has the content of a hard link. */
  linkName: Buffer | null
  isHardLink: boolean
  /** The bytes that follow the header, without padding. */
  size: number
  /** The size of a sparse file with its holes; `size` is then that of map and data. Null for other files. */
  sparseSize: number | null
}

const HEADER_TYPES = {
  file: 'File',
  directory: 'Directory',
  symlink: 'SymbolicLink',
  fifo: 'FIFO',
  chardev: 'CharacterDevice',
  blockdev: 'BlockDevice',
} as const satisfies Record<EntryType, string>

/** The largest values of the octal fields of a ustar header (POSIX.1-2017, pax, "ustar Interchange Format"). */
const MAX_ID = 0o7777777
const MAX_NUMBER = 0o77777777777
const NAME_BYTES = 100
const PREFIX_BYTES = 155

/** Encodes the ustar header, with a pax header before it if a value does not fit exactly. */
export function encodeHead(head: MemberHead): Buffer {
  const split = splitName(head.name)
  const records = paxRecords(head, split !== undefined)
  const block = ustarBlock(
    head,
    split ?? { prefix: Buffer.alloc(0), name: head.name.subarray(0, NAME_BYTES) },
  )
  return records.length === 0 ? block : Buffer.concat([paxHeader(head, encodePaxRecords(records)), block])
}

function paxRecords(
  { entry, name, linkName, size, sparseSize, isHardLink }: MemberHead,
  nameFits: boolean,
): PaxRecord[] {
  const records: PaxRecord[] = []
  const add = (key: string, value: string | number | Buffer) =>
    records.push({ key, value: Buffer.isBuffer(value) ? value : Buffer.from(String(value)) })
  if (sparseSize === null && !nameFits) add('path', name)
  if (linkName && linkName.length > NAME_BYTES) add('linkpath', linkName)
  if (!fitsSeconds(entry.mtimeNs)) add('mtime', formatPaxTime(entry.mtimeNs))
  if (entry.uid > MAX_ID) add('uid', entry.uid)
  if (entry.gid > MAX_ID) add('gid', entry.gid)
  if (size > MAX_NUMBER) add('size', size)
  if (sparseSize !== null) {
    add('GNU.sparse.major', 1)
    add('GNU.sparse.minor', 0)
    add('GNU.sparse.name', name)
    add('GNU.sparse.realsize', sparseSize)
  }
  if (isHardLink) return records
  if (entry.flags) add('SCHILY.fflags', flagsText(entry.flags))
  return [...records, ...encodeXattrs(entry.xattrs)]
}

function fitsSeconds(ns: bigint): boolean {
  return ns % NS_PER_SECOND === 0n && ns >= 0n && ns / NS_PER_SECOND <= BigInt(MAX_NUMBER)
}

interface SplitName {
  prefix: Buffer
  name: Buffer
}

/** Splits a name into the two fields of a ustar header; undefined if it is too long for them. */
function splitName(name: Buffer): SplitName | undefined {
  if (name.length <= NAME_BYTES) return { prefix: Buffer.alloc(0), name }
  const slash = name.indexOf(SLASH, name.length - NAME_BYTES - 1)
  if (slash <= 0 || slash > PREFIX_BYTES || slash === name.length - 1) return undefined
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) }
}

function ustarBlock(
  { entry, linkName, isHardLink, size, sparseSize, name: whole }: MemberHead,
  { prefix, name }: SplitName,
): Buffer {
  const header = new Header({
    path: '',
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: Math.min(size, MAX_NUMBER),
    mtime: new Date(Number(clampSeconds(entry.mtimeNs)) * 1000),
    type: isHardLink ? 'Link' : HEADER_TYPES[entry.type],
    devmaj: entry.major,
    devmin: entry.minor,
  })
  const shown = sparseSize === null ? name : sparseName(whole)
  return withNames(header, { prefix: sparseSize === null ? prefix : Buffer.alloc(0), name: shown, linkName })
}

function clampSeconds(ns: bigint): bigint {
  if (ns < 0n) return 0n
  const seconds = ns / NS_PER_SECOND
  return seconds > BigInt(MAX_NUMBER) ? BigInt(MAX_NUMBER) : seconds
}

/** The name under which a tar without support for sparse files unpacks map and data: not the name of the file. */
function sparseName(name: Buffer): Buffer {
  const base = name.subarray(name.lastIndexOf(SLASH) + 1)
  return Buffer.concat([Buffer.from('GNUSparseFile.0/'), base]).subarray(0, NAME_BYTES)
}

function paxHeader({ name, entry }: MemberHead, body: Buffer): Buffer {
  const base = name.subarray(name.lastIndexOf(SLASH, name.length - 2) + 1)
  const header = new Header({
    path: '',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: new Date(Number(clampSeconds(entry.mtimeNs)) * 1000),
    type: 'ExtendedHeader',
  })
  const shown = Buffer.concat([Buffer.from('PaxHeaders/'), base]).subarray(0, NAME_BYTES)
  const block = withNames(header, { prefix: Buffer.alloc(0), name: shown, linkName: null })
  return Buffer.concat([block, body, Buffer.alloc(paddingBytes(body.length))])
}

/** The tar package's Header accepts names as text only. Ours are bytes, so they are written into the encoded block. */
function withNames(
  header: Header,
  { prefix, name, linkName }: SplitName & { linkName: Buffer | null },
): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE)
  header.encode(block)
  const link = (linkName ?? Buffer.alloc(0)).subarray(0, NAME_BYTES)
  name.copy(block, NAME_AT)
  link.copy(block, LINK_NAME_AT)
  prefix.copy(block, PREFIX_AT)
  const sum = (header.cksum ?? 0) + sumBytes(name) + sumBytes(link) + sumBytes(prefix)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1')
  return block
}

const NAME_AT = 0
const CHECKSUM_AT = 148
const LINK_NAME_AT = 157
const PREFIX_AT = 345

function sumBytes(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at++) sum += bytes[at] as number
  return sum
}
