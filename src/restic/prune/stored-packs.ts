import { BackupdError } from '../../lib/errors.ts'
import type { Repository } from '../repository/repository.ts'
import type { PackUse } from './pack-use.ts'
import type { UsedBlobs } from './used-blobs.ts'

const MAX_LISTED = 5

export interface StoredPack {
  id: string
  size: number
}

/**
 * Compares the packs in the store with the index. Resolves with packs that no index file names, from runs that were
 * killed before they wrote one. Throws REPOSITORY_DAMAGED if a needed pack is missing.
 */
export async function findUnknownPacks(
  repository: Repository,
  used: UsedBlobs,
  uses: readonly PackUse[],
): Promise<StoredPack[]> {
  const missing = new Set(
    uses.filter(({ usedBytes }) => usedBytes > 0).map(({ pack }) => used.index.packId(pack)),
  )
  const unknown: StoredPack[] = []
  for await (const stored of repository.listPacks()) {
    missing.delete(stored.id)
    const pack = used.index.packNumber(stored.id)
    if (pack === undefined || used.isDead(pack)) unknown.push(stored)
  }
  if (missing.size === 0) return unknown
  const packs = [...missing]
  const named = packs.slice(0, MAX_LISTED).join(', ') + (packs.length > MAX_LISTED ? ', …' : '')
  throw new BackupdError(
    'REPOSITORY_DAMAGED',
    `Cannot prune: ${packs.length} packs that snapshots need are missing in the store (${named}). Nothing was pruned; restore them from a copy of the store, or see restic check`,
    { facts: { packs: packs.slice(0, MAX_LISTED), count: packs.length } },
  )
}
