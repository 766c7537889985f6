import { hasCode, messageOf } from '../lib/errors.ts'
import type { UnknownObjects } from '../wire/daemon-api.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { type Lane, Lanes } from './lanes.ts'
import { forgetNamespace, listStoredNamespaces, relist } from './listing.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { ReconcileCounts } from './ports.ts'
import type { UserWorld } from './user-world.ts'
import type { World } from './world.ts'

export interface CatalogCopy {
  path: string
  /** Bytes. */
  size: number
}

/** A consistent copy of the catalog in a new file under `dir`. Throws FORBIDDEN outside the copies directory. */
export function copyCatalog(world: UserWorld, dir: string): Promise<Answer<CatalogCopy>> {
  return audited(
    world,
    { verb: 'copyCatalog', facts: { dir } },
    {
      check: () => refuseUnlessPermitted(world, 'catalog', 'everything'),
      act: () => world.ports.copier.copyTo(dir),
    },
  )
}

export interface RebuiltNamespace extends ReconcileCounts {
  ip: string
  /** Objects in its folder that belong to no backup; never touched. null if no daemon can list them. */
  unknown: UnknownObjects | null
  /** Why its namespace could not be read; its backups then stay unchanged in the catalog. */
  error: string | null
}

/** How many namespaces are read in parallel; those whose daemons do not answer delay no others. */
const LANES = { busy: 4, begun: 64, gapMs: 0 }

export interface RebuildRequest {
  /** Only count the changes. */
  dryRun: boolean
  /** Removed servers whose folders were deleted: the catalog forgets them if no daemon can read them. */
  forget: readonly string[]
}

/**
 * Makes the catalog equal to the stores, for every namespace: of known servers, of those with a folder in a daemon's
 * store, and of those with backups in the catalog. `forget` refuses a server of the inventory with BAD_INPUT, and one
 * without backups in the catalog with NOT_FOUND.
 */
export function rebuildCatalog(
  world: UserWorld,
  request: RebuildRequest,
): Promise<Answer<RebuiltNamespace[]>> {
  const { dryRun, forget } = request
  return audited(
    world,
    { verb: 'rebuildCatalog', facts: { dryRun, forget: [...forget] } },
    {
      check: () => refuseUnlessPermitted(world, 'catalog', 'everything') ?? findRemembered(world, forget),
      act: (remembered) => rebuildAll(world, request, remembered),
    },
  )
}

/** The namespaces with backups in the catalog; those to forget must be among them. */
async function findRemembered(world: World, forget: readonly string[]): Promise<Answer<Set<string>>> {
  const remembered = new Set(await world.ports.backups.namespaces())
  for (const ip of forget) {
    if (world.inventory.plan.servers.has(ip))
      return refuse(
        'BAD_INPUT',
        `${ip} is in the inventory, so its own daemon lists its backups. Remove it from the inventory first`,
      )
    if (!remembered.has(ip))
      return refuse('NOT_FOUND', `The catalog has no backups of ${ip}, so there is nothing to forget`)
  }
  return remembered
}

async function rebuildAll(
  world: World,
  { dryRun, forget }: RebuildRequest,
  remembered: ReadonlySet<string>,
): Promise<RebuiltNamespace[]> {
  const stored = await listStoredNamespaces(world)
  const namespaces = [...new Set([...world.servers.keys(), ...stored, ...remembered])]
  const tasks = namespaces.map((ip) => ({ ip, dryRun, remembered, isForgotten: forget.includes(ip) }))
  return rebuildNamespaces(world, tasks)
}

async function rebuildNamespaces(world: World, tasks: readonly NamespaceTask[]): Promise<RebuiltNamespace[]> {
  const lanes = new Lanes(LANES)
  const rebuild = (task: NamespaceTask) =>
    lanes.run(task.ip, (lane) => rebuildNamespace(world, { ...task, lane }))
  const rebuilt = await Promise.all(tasks.map(rebuild))
  return rebuilt.filter((one) => one !== undefined)
}

interface NamespaceTask {
  ip: string
  dryRun: boolean
  remembered: ReadonlySet<string>
  isForgotten: boolean
}

async function rebuildNamespace(
  world: World,
  { ip, isForgotten, lane, ...request }: NamespaceTask & { lane: Lane },
): Promise<RebuiltNamespace> {
  try {
    const { reader, ...counts } = await relist(world, ip, { dryRun: request.dryRun, fromOthers: true, lane })
    const asked = world.ports.daemon.ask(reader, 'unknown', { namespace: ip })
    const unknown = await lane.wait(asked.catch(() => null))
    return {
      ip,
      ...counts,
      unknown,
      error: isForgotten ? describeStillRead(ip, reader) : null,
    }
  } catch (error) {
    if (isForgotten && isUnreachable(error)) return await forgetFolder(world, ip, request.dryRun)
    return { ip, ...NOTHING, unknown: null, error: describeUnread(world, { ip, ...request }, error) }
  }
}

async function forgetFolder(world: World, ip: string, dryRun: boolean): Promise<RebuiltNamespace> {
  try {
    return { ip, ...(await forgetNamespace(world, ip, dryRun)), unknown: null, error: null }
  } catch (error) {
    return { ip, ...NOTHING, unknown: null, error: messageOf(error) }
  }
}

function describeStillRead(ip: string, reader: string): string {
  return `The daemon on ${reader} can read ${ip}, so the catalog keeps what it lists; nothing else was forgotten`
}

/** Why a namespace is unread; null for the empty folder of a removed server, which is not an error. */
function describeUnread(
  world: World,
  { ip, remembered }: Pick<NamespaceTask, 'ip' | 'remembered'>,
  error: unknown,
): string | null {
  const isGone = !world.inventory.plan.servers.has(ip) && isUnreachable(error)
  if (!isGone) return messageOf(error)
  if (!remembered.has(ip)) return null
  return `${messageOf(error)}. If the server is gone and its folder was removed, let the catalog forget it: backupd catalog rebuild --forget ${ip}`
}

const NOTHING: ReconcileCounts = { added: 0, updated: 0, removed: 0, unchanged: 0 }

function isUnreachable(error: unknown): boolean {
  return hasCode(error, 'DAEMON_UNREACHABLE')
}
