import type { Extent } from '../volume/tree/entry.ts'
import { corrupt } from './archive-fault.ts'
import type { ByteStream } from './byte-stream.ts'
import { lastValue, type PaxRecord } from './pax-records.ts'
import { fieldNumber, parseDecimal } from './tar-fields.ts'
import { BLOCK_SIZE } from './tar-header.ts'

/** A sparse file with more pieces of data counts as an attack on our memory. */
const MAX_PIECES = 1_000_000

export interface SparseMap {
  /** The data, ascending; no extent is empty. */
  extents: Extent[]
  /** The size of the file with its holes. */
  size: number
  /** The size of the map, which is the first part of the entry's body. */
  mapBytes: number
}

/**
 * Reads GNU.sparse 0.0 (repeated offset and numbytes records), 0.1 (one map record) and 1.0 (a map before the data).
 */
export async function readPaxSparseMap(
  records: readonly PaxRecord[],
  stream: ByteStream,
): Promise<SparseMap | null> {
  const realSize =
    readRecordText(records, 'GNU.sparse.realsize') ?? readRecordText(records, 'GNU.sparse.size')
  if (realSize === undefined) return null
  const size = parseDecimal(realSize)
  if (readRecordText(records, 'GNU.sparse.major') === '1') {
    const { numbers, mapBytes } = await readMapBlocks(stream)
    return { extents: makeExtents(numbers, size), size, mapBytes }
  }
  return { extents: makeExtents(numbersInRecords(records), size), size, mapBytes: 0 }
}

/**
 * Reads an old GNU header (type `S`): 4 pieces in the header, and 21 in each block after it; a flag announces each
 * block.
 */
export async function readOldSparseMap(header: Buffer, stream: ByteStream): Promise<SparseMap> {
  const size = fieldNumber(header, 483, 12)
  const numbers = piecesIn(header, 386, 4)
  for (let more = header[482] !== 0; more; ) {
    const block = await stream.read(BLOCK_SIZE)
    for (const number of piecesIn(block, 0, 21)) numbers.push(number)
    limitPieces(numbers.length / 2)
    more = block[504] !== 0
  }
  return { extents: makeExtents(numbers, size), size, mapBytes: 0 }
}

function readRecordText(records: readonly PaxRecord[], key: string): string | undefined {
  return lastValue(records, key)?.toString('latin1')
}

function piecesIn(block: Buffer, start: number, count: number): number[] {
  const numbers: number[] = []
  for (let at = start; at < start + count * 24 && block[at + 12] !== 0; at += 24) {
    numbers.push(fieldNumber(block, at, 12), fieldNumber(block, at + 12, 12))
  }
  return numbers
}

function numbersInRecords(records: readonly PaxRecord[]): number[] {
  const map = readRecordText(records, 'GNU.sparse.map')
  if (map !== undefined) return map === '' ? [] : map.split(',').map(parseDecimal)
  return records
    .filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
    .map(({ value }) => parseDecimal(value.toString('latin1')))
}

/** Reads the count, then offset and length of each piece, one number a line, padded with zeros to whole blocks. */
async function readMapBlocks(stream: ByteStream): Promise<{ numbers: number[]; mapBytes: number }> {
  const numbers: number[] = []
  let wanted = 1
  let rest = ''
  let mapBytes = 0
  while (numbers.length < wanted) {
    const lines = (rest + (await stream.read(BLOCK_SIZE)).toString('latin1')).split('\n')
    mapBytes += BLOCK_SIZE
    rest = lines.pop() ?? ''
    for (const line of lines) if (numbers.length < wanted) wanted = addNumber(numbers, line)
    if (rest.length > BLOCK_SIZE) throw corrupt('the map of a sparse file is malformed')
  }
  return { numbers: numbers.slice(1), mapBytes }
}

/** Returns how many numbers the map has, including the count, which comes first. */
function addNumber(numbers: number[], line: string): number {
  numbers.push(parseDecimal(line))
  const pieces = numbers[0] ?? 0
  limitPieces(pieces)
  return 1 + 2 * pieces
}

function makeExtents(numbers: readonly number[], size: number): Extent[] {
  limitPieces(numbers.length / 2)
  const extents: Extent[] = []
  let end = 0
  for (let at = 0; at < numbers.length; at += 2) {
    const offset = numbers[at] ?? 0
    const length = numbers[at + 1] ?? -1
    if (offset < end || length < 0 || offset + length > size)
      throw corrupt('the map of a sparse file is inconsistent')
    end = offset + length
    if (length > 0) extents.push({ offset, length })
  }
  return extents
}

function limitPieces(pieces: number): void {
  if (pieces > MAX_PIECES) throw corrupt(`a sparse file has more than ${MAX_PIECES} pieces`)
}
