import { SEAL_OVERHEAD } from '../codec/crypt.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { isId } from './layout.ts'

/** A blob of a pack, as it is in index files and pack headers. */
export type IndexRow = Omit<BlobPlace, 'pack'> & { type: BlobType; id: Buffer }

interface BlobJson {
  id?: unknown
  type?: unknown
  offset?: unknown
  length?: unknown
  uncompressed_length?: unknown
}

/** Checked by hand instead of with a schema, because it runs millions of times. Throws a SyntaxError. */
export function checkRow(blob: BlobJson): IndexRow {
  const { id, type, offset, length, uncompressed_length: packed = 0 } = blob
  if (typeof id !== 'string' || !isId(id)) throw new SyntaxError('a blob has no valid id')
  if (type !== 'data' && type !== 'tree') throw new SyntaxError(`the blob ${id} has an unknown type`)
  if (!isUint32(offset) || !isUint32(length) || !isUint32(packed) || length < SEAL_OVERHEAD) {
    throw new SyntaxError(`the blob ${id} has an impossible offset or length`)
  }
  return makeRow({ type, id: Buffer.from(id, 'hex'), offset, length }, packed)
}

function makeRow(blob: Pick<IndexRow, 'type' | 'id' | 'offset' | 'length'>, packed: number): IndexRow {
  const { type, id, offset, length } = blob
  const plainLength = packed > 0 ? packed : length - SEAL_OVERHEAD
  return { type, id, offset, length, plainLength, compressed: packed > 0 }
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && value >>> 0 === value
}

export function rowJson({ id, type, offset, length, compressed, plainLength }: IndexRow): string {
  const packed = compressed ? `,"uncompressed_length":${plainLength}` : ''
  return `{"id":"${id.toString('hex')}","type":"${type}","offset":${offset},"length":${length}${packed}}`
}

const ID = Buffer.from('{"id":"')
const TYPE = Buffer.from('","type":"')
const TYPES = [
  { type: 'data', bytes: Buffer.from('data","offset":') },
  { type: 'tree', bytes: Buffer.from('tree","offset":') },
] as const
const LENGTH = Buffer.from(',"length":')
const PACKED = Buffer.from(',"uncompressed_length":')
const CLOSE = 0x7d
const ZERO = 0x30
const ID_LENGTH = 32
const HEX = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte)),
)

/** Reads bytes from a position on. */
class Cursor {
  at = 0
  bytes: Buffer = Buffer.alloc(0)

  /** Skips `expected`. False if other bytes follow. */
  pass(expected: Buffer): boolean {
    for (let n = 0; n < expected.length; n++) if (this.bytes[this.at + n] !== expected[n]) return false
    this.at += expected.length
    return true
  }

  /** Reads an id of 32 bytes in hex; undefined if it is not one. */
  id(): Buffer | undefined {
    const id = Buffer.allocUnsafe(ID_LENGTH)
    let wrong = 0
    for (let n = 0; n < ID_LENGTH; n++) {
      const high = HEX[this.bytes[this.at + 2 * n] ?? 0] ?? -1
      const low = HEX[this.bytes[this.at + 2 * n + 1] ?? 0] ?? -1
      wrong |= high | low
      id[n] = (high << 4) | low
    }
    this.at += 2 * ID_LENGTH
    return wrong < 0 ? undefined : id
  }

  /** Reads a 32-bit number; -1 if it is not one. */
  uint32(): number {
    const start = this.at
    let value = 0
    for (let digit = this.#digit(); digit >= 0 && value < 2 ** 32; digit = this.#digit()) {
      value = value * 10 + digit
      this.at++
    }
    const padded = this.at > start + 1 && this.bytes[start] === ZERO
    return this.at === start || padded || value >= 2 ** 32 ? -1 : value
  }

  #digit(): number {
    const digit = (this.bytes[this.at] ?? 0) - ZERO
    return digit <= 9 ? digit : -1
  }
}

const cursor = new Cursor()

/**
 * Fast path: reads a blob's JSON in exactly the form that restic and we write, without creating a string, because each
 * run reads the whole index. Undefined for any other form, which must then be parsed.
 */
export function scanUsualRow(bytes: Buffer, at: number): { row: IndexRow; end: number } | undefined {
  cursor.bytes = bytes
  cursor.at = at
  const id = cursor.pass(ID) ? cursor.id() : undefined
  if (!id || !cursor.pass(TYPE)) return undefined
  const type = TYPES.find((one) => cursor.pass(one.bytes))?.type
  const offset = cursor.uint32()
  if (!type || offset < 0 || !cursor.pass(LENGTH)) return undefined
  const length = cursor.uint32()
  const packed = cursor.pass(PACKED) ? cursor.uint32() : 0
  if (length < SEAL_OVERHEAD || packed < 0 || bytes[cursor.at] !== CLOSE) return undefined
  return { row: makeRow({ type, id, offset, length }, packed), end: cursor.at + 1 }
}
