import type { Driver } from '../../objects/driver.ts'
import type { BlobPlace } from './blob-place.ts'

/** Blobs with at most this gap between them are read together, up to the length of one read. */
export interface ReadLimits {
  gapBytes: number
  readBytes: number
}

const OF_FILES: ReadLimits = { gapBytes: 64 << 10, readBytes: 2 << 20 }
/** A request costs as much as some 100 KiB of content. */
const OF_REQUESTS: ReadLimits = { gapBytes: 512 << 10, readBytes: 4 << 20 }

/** The limits with which reading from this store is fastest. */
export function chooseReadLimits({ cache }: Pick<Driver, 'cache'>): ReadLimits {
  return cache ? OF_REQUESTS : OF_FILES
}

/** Blobs of one pack that are read with one call. */
export interface PackRun<B extends BlobPlace> {
  pack: string
  offset: number
  length: number
  blobs: B[]
}

/** Groups blobs into as few reads as possible, sorted by pack and offset. */
export function packRuns<B extends BlobPlace>(wanted: B[], limits: ReadLimits = OF_FILES): PackRun<B>[] {
  wanted.sort((a, b) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : a.offset - b.offset))
  const runs: PackRun<B>[] = []
  for (const blob of wanted) {
    const run = runs.at(-1)
    if (run && joins(run, blob, limits)) {
      run.blobs.push(blob)
      run.length = Math.max(run.length, blob.offset + blob.length - run.offset)
    } else {
      runs.push({ pack: blob.pack, offset: blob.offset, length: blob.length, blobs: [blob] })
    }
  }
  return runs
}

function joins(run: PackRun<BlobPlace>, { pack, offset, length }: BlobPlace, limits: ReadLimits): boolean {
  const near = offset - (run.offset + run.length) <= limits.gapBytes
  return run.pack === pack && near && offset + length - run.offset <= limits.readBytes
}
