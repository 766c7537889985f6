import type { Kernel } from '../../lib/kernel.ts'
import type { Extent } from './entry.ts'

/** Beyond this number, extents are joined over their smallest holes, so that a hostile file cannot fill the memory. */
const MAX_EXTENTS = 20_000
/** Holes are rounded to whole blocks, because archives count in blocks. */
const BLOCK_BYTES = 512

/** Finds the data of an open file, in whole blocks; null if it has no hole worth keeping. */
export function findDataExtents(kernel: Kernel, fd: number, size: number): Extent[] | null {
  let extents: Extent[] = []
  let smallestHole = BLOCK_BYTES
  for (let at = nextData(kernel, fd, { from: 0, size }); at < size; ) {
    const end = Math.min(Math.ceil(kernel.seekHole(fd, at) / BLOCK_BYTES) * BLOCK_BYTES, size)
    if (end <= at) break
    addExtent(extents, { offset: at, length: end - at }, smallestHole)
    if (extents.length > MAX_EXTENTS) {
      smallestHole = Math.max(smallestHole * 4, 64 * 1024)
      extents = joinExtents(extents, smallestHole)
    }
    at = nextData(kernel, fd, { from: end, size })
  }
  return coversAll(extents, size) ? null : extents
}

function nextData(kernel: Kernel, fd: number, { from, size }: { from: number; size: number }): number {
  if (from >= size) return size
  const at = kernel.seekData(fd, from)
  return at === undefined ? size : Math.max(Math.floor(at / BLOCK_BYTES) * BLOCK_BYTES, from)
}

function addExtent(extents: Extent[], extent: Extent, smallestHole: number): void {
  const last = extents.at(-1)
  if (last && extent.offset - (last.offset + last.length) < smallestHole) {
    last.length = extent.offset + extent.length - last.offset
  } else {
    extents.push(extent)
  }
}

function joinExtents(extents: Extent[], smallestHole: number): Extent[] {
  const kept: Extent[] = []
  for (const extent of extents) addExtent(kept, extent, smallestHole)
  return kept
}

function coversAll(extents: Extent[], size: number): boolean {
  const only = extents[0]
  return extents.length === 1 && only?.offset === 0 && only.length === size
}
