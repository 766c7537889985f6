import type { Extent } from './entry.ts'

/** File systems allocate whole pages, so only whole pages can be holes. */
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(PAGE_BYTES)
/**
 * Shorter runs of zeros are written, unless they may continue in the piece before or after: many small holes would
 * fragment the file.
 */
export const MIN_HOLE_BYTES = 64 * 1024

/** Finds the data in `bytes`, which are at `position` of a file; long runs of zeros are left out. */
export function listDataRuns(bytes: Buffer, position: number): Extent[] {
  if (bytes.length < MIN_HOLE_BYTES) return [{ offset: 0, length: bytes.length }]
  const runs: Extent[] = []
  let start = 0
  for (const { offset, length } of zeroRuns(bytes, position)) {
    if (offset > start) runs.push({ offset: start, length: offset - start })
    start = offset + length
  }
  if (start < bytes.length) runs.push({ offset: start, length: bytes.length - start })
  return runs
}

/** Finds runs of zero pages that are long enough to be holes. */
function* zeroRuns(bytes: Buffer, position: number): Generator<Extent> {
  let from = -1
  const first = (PAGE_BYTES - (position % PAGE_BYTES)) % PAGE_BYTES
  for (let at = first; at + PAGE_BYTES <= bytes.length; at += PAGE_BYTES) {
    const isZero = bytes[at] === 0 && bytes.compare(ZEROS, 0, PAGE_BYTES, at, at + PAGE_BYTES) === 0
    if (isZero && from < 0) from = at
    if (isZero || from < 0) continue
    if (at - from >= MIN_HOLE_BYTES || from === first) yield { offset: from, length: at - from }
    from = -1
  }
  if (from >= 0) yield* lastRun(bytes, from)
}

/** Includes the bytes after the last whole page if they are zeros too, because the file may end there. */
function* lastRun(bytes: Buffer, from: number): Generator<Extent> {
  const whole = bytes.length - ((bytes.length - from) % PAGE_BYTES)
  const rest = bytes.subarray(whole)
  const end = rest.equals(ZEROS.subarray(0, rest.length)) ? bytes.length : whole
  if (end === bytes.length || end - from >= MIN_HOLE_BYTES) yield { offset: from, length: end - from }
}
