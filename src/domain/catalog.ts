import { BackupdError, messageOf } from '../lib/errors.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { forgetNamespace, relist } from './listing.ts'
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

export interface RebuildWish {
  /** Only count. */
  dryRun: boolean
  /** Servers that are gone, whose folders were removed: the catalog is to forget them where no daemon can read them. */
  forget: readonly string[]
}

/**
 * Makes the catalog what the stores say of every namespace: of the servers that are known, of those that have a folder
 * in a daemon's store, and of those the catalog has backups of. Refuses BAD_INPUT to forget a server of the inventory,
 * NOT_FOUND one that the catalog has nothing of.
 */
export function rebuildCatalog(world: World, who: string, wish: RebuildWish): Promise<Answer<Rebuilt[]>> {
  const { dryRun, forget } = wish
  return audited(world, { who, verb: 'rebuildCatalog', facts: { dryRun, forget: [...forget] } }, async () => {
    const remembered = new Set(await world.ports.backups.namespaces())
    for (const ip of forget) {
      if (world.inventory.plan.servers.has(ip))
        return refuse(
          'BAD_INPUT',
          `${ip} is in the inventory: what it has its own daemon tells. Take it out first`,
        )
      if (!remembered.has(ip))
        return refuse('NOT_FOUND', `The catalog has no backups of ${ip}, so there is nothing to forget`)
    }
    const namespaces = [
      ...new Set([...world.servers.keys(), ...(await storedNamespaces(world)), ...remembered]),
    ]
    const rebuilt: Rebuilt[] = []
    for (let at = 0; at < namespaces.length; at += AT_ONCE) {
      const some = namespaces.slice(at, at + AT_ONCE)
      rebuilt.push(
        ...(await Promise.all(
          some.map((ip) => rebuild(world, { ip, dryRun, remembered, isForgotten: forget.includes(ip) })),
        )),
      )
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
  isForgotten: boolean
}

async function rebuild(world: World, { ip, isForgotten, ...wish }: Rebuild): Promise<Rebuilt> {
  try {
    const { reader, ...counts } = await relist(world, ip, wish.dryRun)
    const unknown = await world.ports.daemon.unknown(reader, ip).catch(() => undefined)
    return { ip, ...counts, unknown: unknown ?? null, error: isForgotten ? stillRead(ip, reader) : null }
  } catch (error) {
    if (isForgotten && isUnreachable(error)) return await forgetFolder(world, ip, wish.dryRun)
    return { ip, ...NOTHING, unknown: null, error: unreadOf(world, { ip, ...wish }, error) }
  }
}

async function forgetFolder(world: World, ip: string, dryRun: boolean): Promise<Rebuilt> {
  try {
    return { ip, ...(await forgetNamespace(world, ip, dryRun)), unknown: null, error: null }
  } catch (error) {
    return { ip, ...NOTHING, unknown: null, error: messageOf(error) }
  }
}

function stillRead(ip: string, reader: string): string {
  return `The daemon on ${reader} reads ${ip}, so what it says is in the catalog; nothing else was forgotten`
}

/** null for the empty folder of a server that is gone, which is nothing to complain of. */
function unreadOf(
  world: World,
  { ip, remembered }: Pick<Rebuild, 'ip' | 'remembered'>,
  error: unknown,
): string | null {
  const isGone = !world.inventory.plan.servers.has(ip) && isUnreachable(error)
  if (!isGone) return messageOf(error)
  if (!remembered.has(ip)) return null
  return `${messageOf(error)}. If the server is gone and its folder was removed, let the catalog forget it: backupd catalog rebuild --forget ${ip}`
}

const NOTHING: ReconcileCounts = { added: 0, updated: 0, removed: 0, unchanged: 0 }

function isUnreachable(error: unknown): boolean {
  return error instanceof BackupdError && error.code === 'DAEMON_UNREACHABLE'
}
