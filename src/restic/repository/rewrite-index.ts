import { indexJson, readPacks } from './index-file.ts'
import type { IndexRow } from './index-row.ts'
import type { Repository } from './repository.ts'

/** An index file has about this many blobs, as in restic. */
export const BLOBS_PER_INDEX = 50_000

type IndexWorld = Pick<Repository, 'place' | 'key' | 'saveUnpacked' | 'removeUnpacked'>

/**
 * Merges index files into new, full ones, without some packs. The old ones are deleted after all new ones are written:
 * after an interruption both exist, which is harmless. Resolves with the packs of each new file.
 */
export async function rewriteIndex(
  repository: IndexWorld,
  files: readonly string[],
  without: ReadonlySet<string>,
): Promise<Map<string, string[]>> {
  const written = new Map<string, string[]>()
  const seen = new Set(without)
  let kept: { id: string; rows: IndexRow[] }[] = []
  let blobs = 0
  const flush = async () => {
    if (kept.length === 0) return
    const packs = kept.map(({ id }) => id)
    written.set(await repository.saveUnpacked('index', indexJson(kept)), packs)
    kept = []
    blobs = 0
  }
  for (const file of files) {
    await readPacks(repository, file, (id, rows) => {
      if (seen.has(id)) return
      seen.add(id)
      kept.push({ id, rows })
      blobs += rows.length
    })
    if (blobs >= BLOBS_PER_INDEX) await flush()
  }
  await flush()
  for (const file of files) await repository.removeUnpacked('index', file)
  return written
}
