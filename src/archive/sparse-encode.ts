import type { Extent } from '../volume/tree/entry.ts'
import { paddingBytes } from './tar-header.ts'

/**
 * Encodes the map before the data of a sparse file, GNU.sparse 1.0 (GNU tar manual, "PAX Format, Version 1.0"): the
 * number of pieces, then offset and length of each, one number a line, padded to a whole block. If the file ends with a
 * hole, an empty last piece marks its end.
 */
export function encodeSparseMap(extents: readonly Extent[], size: number): Buffer {
  const last = extents.at(-1)
  const pieces =
    last && last.offset + last.length === size ? extents : [...extents, { offset: size, length: 0 }]
  const text = `${pieces.length}\n${pieces.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`
  return Buffer.concat([Buffer.from(text), Buffer.alloc(paddingBytes(text.length))])
}
