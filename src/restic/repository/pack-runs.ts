import type { BlobPlace } from './blob-place.ts'

/** Blobs with at most this gap between them are read together. */
const MAX_GAP_BYTES = 64 * 1024
const MAX_READ_BYTES = 2 << 20

/** Blobs of one pack that are read with one call. */
export interface PackRun<B extends BlobPlace> {
  pack: string
  offset: number
  length: number
  blobs: B[]
}

/** Groups blobs into as few reads as possible, sorted by pack and offset. */
export function packRuns<B extends BlobPlace>(wanted: B[]): PackRun<B>[] {
  wanted.sort((a, b) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : a.offset - b.offset))
  const runs: PackRun<B>[] = []
  for (const blob of wanted) {
    const run = runs.at(-1)
    if (run && joins(run, blob)) {
      run.blobs.push(blob)
      run.length = Math.max(run.length, blob.offset + blob.length - run.offset)
    } else {
      runs.push({ pack: blob.pack, offset: blob.offset, length: blob.length, blobs: [blob] })
    }
  }
  return runs
}

function joins(run: PackRun<BlobPlace>, { pack, offset, length }: BlobPlace): boolean {
  const near = offset - (run.offset + run.length) <= MAX_GAP_BYTES
  return run.pack === pack && near && offset + length - run.offset <= MAX_READ_BYTES
}
