import { Header } from 'tar'
import { corrupt } from './archive-fault.ts'
import { fieldBytes, fieldNanoseconds, fieldNumber } from './tar-fields.ts'

export const BLOCK_SIZE = 512

/** The number of zeros that fill the last block of content. */
export function paddingBytes(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE
}

/** One header block, before long names and pax records are applied. */
export interface TarHeader {
  /** The type flag, one character; `0` for the NUL of old archives. */
  type: string
  name: Buffer
  linkName: Buffer
  mode: number
  uid: number
  gid: number
  /** Bytes that follow in the stream. */
  size: number
  mtimeNs: bigint
  major: number
  minor: number
  /** The block itself, because an old GNU sparse header has more fields. */
  block: Buffer
}

/**
 * Decodes a block of 512 bytes; null for a block of zeros. The tar package's Header decodes owner, mode and checksum.
 * The other fields are decoded here, because that class turns names into text, reads devices from POSIX headers only,
 * and rejects times that JavaScript's dates cannot represent.
 * Throws a corrupt ArchiveFault.
 */
export function decodeHeader(block: Buffer): TarHeader | null {
  const header = decodeNumbers(block)
  if (isZero(block)) return null
  if (!checksumMatches(block, header.cksum)) throw corrupt('a tar header has a wrong checksum')
  const flag = block[156] ?? 0
  const device = flag === 0x33 || flag === 0x34
  return {
    type: flag === 0 ? '0' : String.fromCharCode(flag),
    name: decodeName(block),
    linkName: fieldBytes(block, 157, 100),
    mode: (header.mode ?? 0) & 0o7777,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    size: decodeSize(block),
    mtimeNs: fieldNanoseconds(block, TIME_AT, TIME_BYTES),
    major: device ? fieldNumber(block, 329, 8) : 0,
    minor: device ? fieldNumber(block, 337, 8) : 0,
    block,
  }
}

const TIME_AT = 136
const TIME_BYTES = 12

function decodeNumbers(block: Buffer): Header {
  const timeless = Buffer.from(block).fill(0, TIME_AT, TIME_AT + TIME_BYTES)
  try {
    return new Header(timeless, 0)
  } catch {
    throw corrupt('a number in a tar header is malformed')
  }
}

/** Strict, because after a wrong size no later entry could be found. */
function decodeSize(block: Buffer): number {
  const size = fieldNumber(block, 124, 12)
  if (size < 0) throw corrupt('a tar header has a negative size')
  return size
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** The checksum counts its own field as spaces. Some old tars added signed bytes. */
function checksumMatches(block: Buffer, expected: number | undefined): boolean {
  let unsigned = 8 * 0x20
  let signed = unsigned
  for (let at = 0; at < BLOCK_SIZE; at++) {
    if (at >= 148 && at < 156) continue
    const byte = block[at] as number
    unsigned += byte
    signed += byte < 0x80 ? byte : byte - 0x100
  }
  return unsigned === expected || signed === expected
}

/** A POSIX header has the first part of a long name in a field of its own; a GNU header uses those bytes otherwise. */
function decodeName(block: Buffer): Buffer {
  const name = fieldBytes(block, 0, 100)
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return name
  const prefix = fieldBytes(block, 345, 155)
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name])
}
