import { ftruncateSync, writeSync } from 'node:fs'
import { listDataRuns } from './data-runs.ts'
import type { TreeEntry } from './entry.ts'

/** The content of a file, in order, without holes. */
export interface ContentSource {
  /** The next piece of at least one byte; null after the last. */
  next(): Promise<Buffer | null>
  /** Turn long runs of zeros into holes, for a source that does not know where the holes were. */
  findHoles?: boolean
}

/** Writes a file's content to `fd`; gaps between its extents become holes. Resolves to the bytes written. */
export async function writeContent(fd: number, entry: TreeEntry, content: ContentSource): Promise<number> {
  if (!entry.extents) return await writeDense(fd, content)
  const written = await writeExtents(fd, entry, content)
  ftruncateSync(fd, entry.size)
  return written
}

async function writeDense(fd: number, content: ContentSource): Promise<number> {
  let position = 0
  for (let piece = await content.next(); piece; piece = await content.next()) {
    if (content.findHoles) writeData(fd, piece, position)
    else writeAll(fd, piece, position)
    position += piece.length
  }
  if (content.findHoles) ftruncateSync(fd, position)
  return position
}

/**
 * Writes `bytes` at `position`; long runs of zeros become holes. For a hole at the end, the caller must extend the
 * file.
 */
export function writeData(fd: number, bytes: Buffer, position: number): void {
  for (const { offset, length } of listDataRuns(bytes, position)) {
    writeAll(fd, bytes.subarray(offset, offset + length), position + offset)
  }
}

async function writeExtents(fd: number, entry: TreeEntry, content: ContentSource): Promise<number> {
  let piece: Buffer | null = null
  let used = 0
  let written = 0
  for (const extent of entry.extents ?? []) {
    for (let done = 0; done < extent.length; ) {
      if (!piece || used === piece.length) {
        piece = await content.next()
        used = 0
      }
      if (!piece) return written
      const part: Buffer = piece.subarray(used, used + extent.length - done)
      writeAll(fd, part, extent.offset + done)
      used += part.length
      done += part.length
      written += part.length
    }
  }
  return written
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done)
  }
}
