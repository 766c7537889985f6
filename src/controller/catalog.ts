import { messageOf } from '../lib/errors.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { relist } from './listing.ts'
import type { ReconcileCounts } from './ports.ts'
import type { World } from './world.ts'

export interface CatalogCopy {
  path: string
  /** Bytes. */
  size: number
}

/** A consistent copy of the catalog in a new file under `dir`. Throws FORBIDDEN outside the copies directory. */
export function copyCatalog(world: World, who: string, dir: string): Promise<Answer<CatalogCopy>> {
  return audited(world, { who, verb: 'copyCatalog', facts: { dir } }, () => world.ports.copier.copyTo(dir))
}

export interface Rebuilt extends ReconcileCounts {
  ip: string
  /** Why its namespace could not be read; its backups then stay in the catalog as they were. */
  error: string | null
}

/** Makes the catalog of every server's namespace what the store says. `dryRun` only counts. */
export function rebuildCatalog(world: World, who: string, dryRun: boolean): Promise<Answer<Rebuilt[]>> {
  return audited(world, { who, verb: 'rebuildCatalog', facts: { dryRun } }, async () => {
    const rebuilt: Rebuilt[] = []
    for (const ip of world.servers.keys()) rebuilt.push(await rebuild(world, ip, dryRun))
    return rebuilt
  })
}

async function rebuild(world: World, ip: string, dryRun: boolean): Promise<Rebuilt> {
  try {
    return { ip, ...(await relist(world, ip, dryRun)), error: null }
  } catch (error) {
    return { ip, added: 0, updated: 0, removed: 0, unchanged: 0, error: messageOf(error) }
  }
}
