import { BackupdError } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { ReconcileCounts } from './ports.ts'
import { isOriginal, isReachable, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

/** Makes the catalog say what the server's namespace in the store holds. */
export async function relist(world: World, namespace: string, dryRun: boolean): Promise<ReconcileCounts> {
  return world.ports.backups.reconcile(namespace, listingOf(world, namespace), dryRun)
}

/** The same, in the background; tried again with the next poll where it fails. */
export function relistSoon(world: World, server: ServerState): void {
  server.listingStale = false
  void world.background.run(`list the backups of ${server.ip}`, async () => {
    try {
      await relist(world, server.ip, false)
    } catch (error) {
      server.listingStale = true
      throw error
    }
  })
}

/**
 * Asks the namespace's own daemon; where that cannot be reached, any other, which may share its store (a dead
 * server's backups are read so). What others do not know counts for nothing: their store may be another.
 */
export async function askReaders<T>(world: World, namespace: string, question: Question<T>): Promise<T> {
  try {
    return await question.ask(namespace)
  } catch (error) {
    if (!(error instanceof BackupdError) || error.code !== 'DAEMON_UNREACHABLE') throw error
    for (const ip of othersThan(world, namespace)) {
      const answer = await question.ask(ip).catch(() => undefined)
      if (answer !== undefined && question.counts(answer)) return answer
    }
    throw error
  }
}

interface Question<T> {
  ask(ip: string): Promise<T>
  /** Does this answer of another than the own daemon say anything? */
  counts(answer: T): boolean
}

function othersThan(world: World, namespace: string): string[] {
  const others = [...world.servers.values()].filter((server) => isReachable(server) && !isOriginal(server))
  return others.map(({ ip }) => ip).filter((ip) => ip !== namespace)
}

/** Pages of the namespace. Another daemon than its own is believed only where it lists something. */
async function* listingOf(world: World, namespace: string): AsyncGenerator<BackupInfo[]> {
  const pages = await askReaders(world, namespace, {
    async ask(ip) {
      const rest = world.ports.daemon.backups(ip, namespace)[Symbol.asyncIterator]()
      return { first: await rest.next(), rest }
    },
    counts: ({ first }) => !first.done && first.value.length > 0,
  })
  for (let page = pages.first; !page.done; page = await pages.rest.next()) yield page.value
}
