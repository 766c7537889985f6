import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { ObjectReader } from '../objects/driver.ts'
import { readIndex } from './index-format.ts'

const inflate = promisify(gunzip)

/** The most paths that are listed; beyond this they are only counted. */
const MAX_LISTED = 100
/** A larger member is not ours; it counts as lost as a whole. */
const MAX_MEMBER_BYTES = 8 << 20

export interface LostEntries {
  count: number
  /** The first of them, in the text form of lib/byte-paths.ts. */
  paths: string[]
}

/** Bytes of the tar stream, from `start` up to `end`. */
interface LostRange {
  start: number
  end: number
}

/**
 * Finds the entries of a damaged archive whose bytes are lost: each gzip member is inflated alone, and the index says which
 * entries lie in it. Reads the whole archive again, and keeps one member in memory.
 */
export async function findLostEntries(
  archive: ObjectReader,
  index: ObjectReader,
  signal: AbortSignal,
): Promise<LostEntries> {
  const ranges = await findLostRanges(archive, index, signal)
  const lost: LostEntries = { count: 0, paths: [] }
  /** Where files begin whose content is lost, for the hard links to them. */
  const contents = new Set<number>()
  let range = 0
  for await (const line of readIndex(index)) {
    if (line.kind !== 'entry') continue
    while (range < ranges.length && (ranges[range]?.end ?? 0) <= line.offset) range++
    const isHit = (ranges[range]?.start ?? Number.POSITIVE_INFINITY) < line.offset + line.length
    if (isHit) contents.add(line.offset)
    if (!isHit && !(line.dataEntry !== null && contents.has(line.dataEntry))) continue
    lost.count++
    if (lost.paths.length < MAX_LISTED) lost.paths.push(line.path || '.')
  }
  return lost
}

/** In order; ranges that touch are joined. */
async function findLostRanges(
  archive: ObjectReader,
  index: ObjectReader,
  signal: AbortSignal,
): Promise<LostRange[]> {
  const ranges: LostRange[] = []
  const at = { archive: 0, tar: 0 }
  for await (const line of readIndex(index)) {
    if (line.kind !== 'members') continue
    for (const [bytes, plainBytes] of line.sizes) {
      signal.throwIfAborted()
      const isWhole = await isWholeMember(archive, { at: at.archive, bytes, plainBytes })
      if (!isWhole) addRange(ranges, { start: at.tar, end: at.tar + plainBytes })
      at.archive += bytes
      at.tar += plainBytes
    }
  }
  return ranges
}

async function isWholeMember(
  archive: ObjectReader,
  { at, bytes, plainBytes }: { at: number; bytes: number; plainBytes: number },
): Promise<boolean> {
  if (bytes > MAX_MEMBER_BYTES || plainBytes > MAX_MEMBER_BYTES) return false
  const member = await archive.read(at, bytes)
  if (member.length !== bytes) return false
  const plain = await inflate(member, { maxOutputLength: Math.max(plainBytes, 1) }).catch(() => null)
  return plain?.length === plainBytes
}

function addRange(ranges: LostRange[], { start, end }: LostRange): void {
  const last = ranges.at(-1)
  if (last?.end === start) last.end = end
  else ranges.push({ start, end })
}
