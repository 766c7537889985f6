import type { Extent } from './entry.ts'

/** What file systems allocate: only whole ones can be holes. */
const PAGE = 4096
const ZEROS = Buffer.alloc(PAGE)
/** Shorter runs of zeros are written, unless they may go on in the piece before or after: holes everywhere would tear a file apart. */
export const SHORTEST_HOLE = 64 * 1024

/** Where data lies in bytes that stand at `position` of a file, long runs of zeros left out. */
export function dataRuns(bytes: Buffer, position: number): Extent[] {
  if (bytes.length < SHORTEST_HOLE) return [{ offset: 0, length: bytes.length }]
  const runs: Extent[] = []
  let start = 0
  for (const { offset, length } of zeroRuns(bytes, position)) {
    if (offset > start) runs.push({ offset: start, length: offset - start })
    start = offset + length
  }
  if (start < bytes.length) runs.push({ offset: start, length: bytes.length - start })
  return runs
}

/** Runs of zero pages, long enough to be holes. */
function* zeroRuns(bytes: Buffer, position: number): Generator<Extent> {
  let from = -1
  const first = (PAGE - (position % PAGE)) % PAGE
  for (let at = first; at + PAGE <= bytes.length; at += PAGE) {
    const isZero = bytes[at] === 0 && bytes.compare(ZEROS, 0, PAGE, at, at + PAGE) === 0
    if (isZero && from < 0) from = at
    if (isZero || from < 0) continue
    if (at - from >= SHORTEST_HOLE || from === first) yield { offset: from, length: at - from }
    from = -1
  }
  if (from >= 0) yield* lastRun(bytes, from)
}

/** What is left behind the last whole page goes with it, where it is zeros too: the file may end there. */
function* lastRun(bytes: Buffer, from: number): Generator<Extent> {
  const whole = bytes.length - ((bytes.length - from) % PAGE)
  const rest = bytes.subarray(whole)
  const end = rest.equals(ZEROS.subarray(0, rest.length)) ? bytes.length : whole
  if (end === bytes.length || end - from >= SHORTEST_HOLE) yield { offset: from, length: end - from }
}
