import { messageOf } from '../lib/errors.ts'
import type { KnownServer } from './ports.ts'
import type { ServerState } from './server-state.ts'
import type { World } from './world.ts'

/** While a daemon answers, the catalog may know an answer of it that is this much older than its last one. */
const LAST_SEEN_LAG_MS = 5 * 60_000

/** Saves what changed about the servers, in one call. Tries again with the next call if that fails. */
export function saveServersSoon(world: World): void {
  if (listUnsaved(world).length > 0) void world.background.run('save the servers', () => saveServers(world))
}

export async function saveServers(world: World): Promise<void> {
  await save(world, listUnsaved(world))
}

/** Saves the times of the last answers before the controller ends. Never rejects. */
export async function saveLastSeen(world: World): Promise<void> {
  const late = [...world.servers.values()].filter(({ saved, lastSeen }) => saved?.lastSeen !== lastSeen)
  await save(world, late).catch((error) =>
    world.log.warn({ err: error }, `Cannot save when daemons were last seen: ${messageOf(error)}`),
  )
}

async function save(world: World, servers: ServerState[]): Promise<void> {
  if (servers.length === 0) return
  const known = servers.map(({ ip, daemonId, lastSeen, leaving, timeZone }) => ({
    ip,
    daemonId,
    lastSeen,
    leaving,
    timeZone,
  }))
  await world.ports.servers.save(...known)
  for (const [at, server] of servers.entries()) server.saved = known[at] ?? null
}

function listUnsaved({ servers }: World): ServerState[] {
  return [...servers.values()].filter((server) => !server.saved || hasChanged(server, server.saved))
}

function hasChanged(server: ServerState, saved: KnownServer): boolean {
  const { daemonId, leaving, timeZone, lastSeen, error } = server
  if (daemonId !== saved.daemonId || leaving !== saved.leaving || timeZone !== saved.timeZone) return true
  if (lastSeen === saved.lastSeen || lastSeen === null) return false
  const isDue = saved.lastSeen === null || error !== null
  return isDue || Math.abs(Date.parse(lastSeen) - Date.parse(saved.lastSeen ?? '')) >= LAST_SEEN_LAG_MS
}
