import { release } from '../../archive/gzip-member.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { openBlob } from '../repository/blob-reader.ts'
import type { PackRun } from './pack-runs.ts'

/** Sealed blobs as they were read, and where each is in the bytes. */
export interface SealedRun {
  bytes: Uint8Array
  blobs: { at: number; length: number; id: Uint8Array; plainLength: number; compressed: boolean }[]
}

export function sealedRun({ offset, blobs }: PackRun, bytes: Buffer): SealedRun {
  return {
    bytes,
    blobs: blobs.map(({ id, offset: at, length, plainLength, compressed }) => ({
      ...{ at: at - offset, length, plainLength, compressed },
      id: Uint8Array.from(id),
    })),
  }
}

/** The plain content of each, checked against its id, one behind the other; of one that is not whole no byte. */
export interface OpenedRun {
  plain: Uint8Array
  /** By blob; -1 where it is not whole. */
  lengths: number[]
}

export function openRun(key: RepositoryKey, { bytes, blobs }: SealedRun): OpenedRun {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const plain = Buffer.allocUnsafeSlow(blobs.reduce((sum, { plainLength }) => sum + plainLength, 0))
  let filled = 0
  const lengths = blobs.map((blob) => {
    const content = openOrNothing(key, blob, sealed.subarray(blob.at, blob.at + blob.length))
    if (!content) return -1
    const length = content.copy(plain, filled)
    filled += length
    release(content)
    return length
  })
  return { plain, lengths }
}

function openOrNothing(
  key: RepositoryKey,
  { id, plainLength, compressed }: SealedRun['blobs'][number],
  sealed: Buffer,
): Buffer | undefined {
  try {
    return openBlob(key, { id: Buffer.from(id), plainLength, compressed }, sealed)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
