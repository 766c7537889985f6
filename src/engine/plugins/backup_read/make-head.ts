import { parse } from 'range-parser'
import type { FileHead } from '../../../wire/file-content.ts'

/**
 * Applies the header `Range`. One that is malformed, of another unit, or of several ranges counts as none, as RFC 9110
 * allows: the whole file answers it. So does an empty file, which some clients ask for with a range all the same.
 */
export function makeHead(size: number, range: string): FileHead {
  const { code, type, ranges } = parse(size, range)
  const isMalformed = (code & 1) !== 0
  if (size === 0 || isMalformed || type !== 'bytes' || ranges.length > 1)
    return { size, span: { from: 0, end: size }, isPart: false }
  const [only] = ranges
  return { size, span: only ? { from: only.start, end: only.end + 1 } : null, isPart: true }
}
