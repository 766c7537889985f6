import { createHash } from 'node:crypto'
import { type Chosen, EVERYTHING } from '../../volume/tree/chosen-paths.ts'
import { MIN_CHUNK_BYTES } from '../codec/chunker.ts'
import type { TreeSource } from '../read/tree-source.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { Damage } from './damage.ts'
import { linkItems, type RestoreItem } from './link-items.ts'
import { walkSnapshot } from './walk-snapshot.ts'

export interface MeasureInput {
  source: TreeSource
  volume: VolumeTree
  /** Default: everything. */
  chosen?: Chosen
  signal: AbortSignal
}

/**
 * Measures the space that a restore needs: hard links once, without chunks of zeros, which become holes. Zeros are
 * cut at the minimum chunk size, so shorter holes count as data. Reads only trees; damaged trees are left out.
 */
export async function measureRestore({
  source,
  volume,
  chosen = EVERYTHING,
  signal,
}: MeasureInput): Promise<{ bytes: number; entries: number }> {
  const needs = { bytes: 0, entries: 0 }
  const zeros = createHash('sha256').update(Buffer.alloc(MIN_CHUNK_BYTES)).digest()
  const walk = walkSnapshot({ source, chosen, signal, damage: new Damage() }, volume.tree)
  for await (const items of linkItems(walk)) {
    signal.throwIfAborted()
    for (const item of items) {
      if (item.linkTo) continue
      needs.entries++
      needs.bytes += measureBytes(item, zeros)
    }
  }
  return needs
}

function measureBytes({ node: { entry }, content }: RestoreItem, zeros: Buffer): number {
  const holes = content.reduce((count, id) => (id.equals(zeros) ? count + 1 : count), 0)
  return entry.size - holes * MIN_CHUNK_BYTES
}
