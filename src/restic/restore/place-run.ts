import { requireErrno } from '../../lib/errors.ts'
import { release } from '../../lib/release.ts'
import { writeData } from '../../volume/tree/write-content.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { openBlob } from '../repository/blob-reader.ts'

/** A place to write content to: an open file, and the offset in it. */
export interface WritePlace {
  fd: number
  position: number
}

/** A sealed blob: its offset in the bytes that were read, and the places for its content. */
export interface BlobToPlace {
  at: number
  length: number
  id: Uint8Array
  plainLength: number
  compressed: boolean
  places: WritePlace[]
}

/** Sealed blobs that were read together. */
export interface SealedRun {
  bytes: Uint8Array
  blobs: BlobToPlace[]
}

/** The index of a place that could not be written, with the errno. */
export interface RefusedPlace {
  place: number
  code: string
}

/** The failures of a run; blobs and places are indexes. */
export interface PlacedRun {
  /** Damaged blobs: nothing of them was written. */
  damaged: number[]
  refused: (RefusedPlace & { blob: number })[]
}

/**
 * Writes the plain content of each blob, checked against its id, to all of its places; long runs of zeros become
 * holes.
 */
export function placeRun(key: RepositoryKey, { bytes, blobs }: SealedRun): PlacedRun {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const placed: PlacedRun = { damaged: [], refused: [] }
  for (const [n, blob] of blobs.entries()) {
    const content = openOrNothing(key, blob, sealed.subarray(blob.at, blob.at + blob.length))
    if (!content) placed.damaged.push(n)
    else
      for (const { place, code } of placeContent(content, blob.places))
        placed.refused.push({ blob: n, place, code })
    if (content) release(content)
  }
  return placed
}

/** Writes the content to its places, and returns those that failed. */
export function placeContent(content: Buffer, places: readonly WritePlace[]): RefusedPlace[] {
  const refused: RefusedPlace[] = []
  for (const [place, { fd, position }] of places.entries()) {
    try {
      writeData(fd, content, position)
    } catch (error) {
      refused.push({ place, code: requireErrno(error) })
    }
  }
  return refused
}

function openOrNothing(
  key: RepositoryKey,
  { id, plainLength, compressed }: BlobToPlace,
  sealed: Buffer,
): Buffer | undefined {
  try {
    return openBlob(key, { id: Buffer.from(id), plainLength, compressed }, sealed)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
