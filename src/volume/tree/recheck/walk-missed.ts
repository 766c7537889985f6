import type { TreeItem } from '../entry.ts'
import type { WalkOptions } from '../inspector.ts'
import { canEnter, type SortedFolder, type SortedWalk, sortedWalk } from '../sorted-walk.ts'
import type { OpenVolume } from '../volume.ts'
import type { Missed } from './missed.ts'

/** Yields all missed entries, each directory before its content. An item is valid until the next one. */
export async function* walkMissed(
  volume: OpenVolume,
  missed: Missed,
  options: WalkOptions,
): AsyncGenerator<TreeItem> {
  const walk = sortedWalk(volume, { ...options, part: missed, isKnown: () => false })
  const root = await walk.openRoot()
  if (root) yield* walkFolder(walk, missed, root)
}

async function* walkFolder(walk: SortedWalk, missed: Missed, folder: SortedFolder): AsyncGenerator<TreeItem> {
  try {
    for (let batch = await folder.next(); batch.length > 0; batch = await folder.next()) {
      for (const seen of batch) {
        if (!missed.leadsTo(seen.item.entry.path)) yield seen.item
        const inner = canEnter(seen) ? await walk.open(seen) : undefined
        if (inner) yield* walkFolder(walk, missed, inner)
      }
    }
  } finally {
    folder.close()
  }
}
