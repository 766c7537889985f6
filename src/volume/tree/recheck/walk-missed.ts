import type { TreeItem } from '../entry.ts'
import type { WalkOptions } from '../looker.ts'
import { canEnter, type SortedFolder, type SortedWalk, sortedWalk } from '../sorted-walk.ts'
import type { OpenVolume } from '../volume.ts'
import type { Missed } from './missed.ts'

/** Everything that was missed, one by one, each directory before what is in it. An item is good until the next one. */
export async function* walkMissed(
  volume: OpenVolume,
  missed: Missed,
  options: WalkOptions,
): AsyncGenerator<TreeItem> {
  const walk = sortedWalk(volume, { ...options, part: missed, isKnown: () => false })
  const root = await walk.openRoot()
  if (root) yield* itemsIn(walk, missed, root)
}

async function* itemsIn(walk: SortedWalk, missed: Missed, folder: SortedFolder): AsyncGenerator<TreeItem> {
  try {
    for (let looks = await folder.next(); looks.length > 0; looks = await folder.next()) {
      for (const look of looks) {
        if (!missed.leadsTo(look.item.entry.path)) yield look.item
        const inner = canEnter(look) ? await walk.open(look) : undefined
        if (inner) yield* itemsIn(walk, missed, inner)
      }
    }
  } finally {
    folder.close()
  }
}
