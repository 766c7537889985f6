import { BackupdError, messageOf } from '../lib/errors.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import type { Answer } from './answer.ts'
import { audited } from './audit.ts'
import { relist } from './listing.ts'
import type { ReconcileCounts } from './ports.ts'
import { isOriginal, isReachable } from './server-state.ts'
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
  /** What lies in its folder and is no part of a backup: never touched. null where no daemon tells. */
  unknown: UnknownObjects | null
  /** Why its namespace could not be read; its backups then stay in the catalog as they were. */
  error: string | null
}

/** Namespaces read side by side. */
const AT_ONCE = 4

/**
 * Makes the catalog what the stores say of every namespace: of the servers that are known, of those that have a folder
 * in a daemon's store, and of those the catalog has backups of. `dryRun` only counts.
 */
export function rebuildCatalog(world: World, who: string, dryRun: boolean): Promise<Answer<Rebuilt[]>> {
  return audited(world, { who, verb: 'rebuildCatalog', facts: { dryRun } }, async () => {
    const remembered = new Set(await world.ports.backups.namespaces())
    const namespaces = [
      ...new Set([...world.servers.keys(), ...(await storedNamespaces(world)), ...remembered]),
    ]
    const rebuilt: Rebuilt[] = []
    for (let at = 0; at < namespaces.length; at += AT_ONCE) {
      const some = namespaces.slice(at, at + AT_ONCE)
      rebuilt.push(...(await Promise.all(some.map((ip) => rebuild(world, { ip, dryRun, remembered })))))
    }
    return rebuilt
  })
}

/** What the daemons' stores have folders of; those that do not answer tell nothing. */
async function storedNamespaces(world: World): Promise<string[]> {
  const readers = [...world.servers.values()].filter((server) => isReachable(server) && !isOriginal(server))
  const found = await Promise.all(readers.map(({ ip }) => world.ports.daemon.namespaces(ip).catch(() => [])))
  return found.flat().sort()
}

interface Rebuild {
  ip: string
  dryRun: boolean
  remembered: ReadonlySet<string>
}

async function rebuild(world: World, { ip, dryRun, remembered }: Rebuild): Promise<Rebuilt> {
  try {
    const { reader, ...counts } = await relist(world, ip, dryRun)
    const unknown = await world.ports.daemon.unknown(reader, ip).catch(() => undefined)
    return { ip, ...counts, unknown: unknown ?? null, error: null }
  } catch (error) {
    // The empty folder of a server that is gone is nothing to complain of.
    const isNothing = !world.servers.has(ip) && !remembered.has(ip) && isUnreachable(error)
    return { ip, ...NOTHING, unknown: null, error: isNothing ? null : messageOf(error) }
  }
}

const NOTHING: ReconcileCounts = { added: 0, updated: 0, removed: 0, unchanged: 0 }

function isUnreachable(error: unknown): boolean {
  return error instanceof BackupdError && error.code === 'DAEMON_UNREACHABLE'
}
