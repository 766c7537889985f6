import { errnoOf } from '../../lib/errors.ts'
import { release } from '../../lib/release.ts'
import { writeData } from '../../volume/tree/write-content.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { openBlob } from '../repository/blob-reader.ts'

/** Where the content of a blob goes: an open file, and the offset in it. */
export interface Place {
  fd: number
  position: number
}

/** A sealed blob: where it lies in the bytes that were read, and where its content goes. */
export interface SealedBlob {
  at: number
  length: number
  id: Uint8Array
  plainLength: number
  compressed: boolean
  places: Place[]
}

/** Sealed blobs as they were read. */
export interface SealedRun {
  bytes: Uint8Array
  blobs: SealedBlob[]
}

/** A place, by its number, that could not be written, with why. */
export interface Refused {
  place: number
  code: string
}

/** What did not go well; by number of blob, and of place. */
export interface PlacedRun {
  /** Not whole: nothing of them is written. */
  damaged: number[]
  refused: (Refused & { blob: number })[]
}

/** Writes the plain content of each blob, checked against its id, to all of its places; long runs of zeros become holes. */
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

/** Writes what it can of the places. */
export function placeContent(content: Buffer, places: readonly Place[]): Refused[] {
  const refused: Refused[] = []
  for (const [place, { fd, position }] of places.entries()) {
    try {
      writeData(fd, content, position)
    } catch (error) {
      const code = errnoOf(error)
      if (code === undefined) throw error
      refused.push({ place, code })
    }
  }
  return refused
}

function openOrNothing(
  key: RepositoryKey,
  { id, plainLength, compressed }: SealedBlob,
  sealed: Buffer,
): Buffer | undefined {
  try {
    return openBlob(key, { id: Buffer.from(id), plainLength, compressed }, sealed)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
