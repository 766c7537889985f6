import type { Extent } from '../volume/tree/entry.ts'
import { paddingOf } from './member-header.ts'

/**
 * The map of a sparse file in front of its data, GNU.sparse 1.0 (GNU tar manual, "PAX Format, Version 1.0"): how many
 * pieces, then offset and length of each, one a line, padded to whole blocks. A last empty piece marks the end where
 * a hole is there.
 */
export function encodeSparseMap(extents: readonly Extent[], size: number): Buffer {
  const last = extents.at(-1)
  const pieces =
    last && last.offset + last.length === size ? extents : [...extents, { offset: size, length: 0 }]
  const text = `${pieces.length}\n${pieces.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`
  return Buffer.concat([Buffer.from(text), Buffer.alloc(paddingOf(text.length))])
}
