import type { UsedBlobs } from './used-blobs.ts'

/** How much of a pack is needed. Bytes of sealed blobs, without the pack's header. */
export interface PackUse {
  /** Its number in the index. */
  pack: number
  usedBytes: number
  unusedBytes: number
  holdsTrees: boolean
}

/** Measures all live packs in one pass over the index. */
export function measurePacks(used: UsedBlobs): PackUse[] {
  const { index } = used
  const uses: PackUse[] = Array.from({ length: index.packCount }, (_, pack) => ({
    pack,
    usedBytes: 0,
    unusedBytes: 0,
    holdsTrees: false,
  }))
  for (let entry = 0; entry < index.size; entry++) {
    const use = uses[index.packOf(entry)]
    if (!use) continue
    if (used.isUsed(entry)) use.usedBytes += index.lengthOf(entry)
    else use.unusedBytes += index.lengthOf(entry)
    use.holdsTrees ||= index.entryAt(entry).isTree
  }
  return uses.filter(({ pack }) => !used.isDead(pack))
}
