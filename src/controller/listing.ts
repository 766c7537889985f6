import { BackupdError } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { ReconcileCounts } from './ports.ts'
import { isOriginal, isReachable, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

export interface Relisted extends ReconcileCounts {
  /** The daemon that told. */
  reader: string
}

/** Makes the catalog say what the server's namespace in the store holds. */
export async function relist(world: World, namespace: string, dryRun: boolean): Promise<Relisted> {
  const { ip: reader, first, rest } = await startListing(world, namespace)
  const counts = await world.ports.backups.reconcile(namespace, pagesOf(first, rest), dryRun)
  return { ...counts, reader }
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
 * server's backups are read so). What others do not know counts for nothing: their store may be another. A server
 * that is not known here any more is asked last: it is likely to be gone.
 */
export async function askReaders<T>(world: World, namespace: string, question: Question<T>): Promise<T> {
  const others = othersThan(world, namespace)
  const readers = world.servers.has(namespace) ? [namespace, ...others] : [...others, namespace]
  let failure: unknown
  for (const ip of readers) {
    try {
      const answer = await question.ask(ip)
      if (ip === namespace || question.counts(answer)) return answer
    } catch (error) {
      if (ip !== namespace) continue
      if (!(error instanceof BackupdError) || error.code !== 'DAEMON_UNREACHABLE') throw error
      failure = error
    }
  }
  throw failure
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

/** Another daemon than the namespace's own is believed only where it lists something. */
function startListing(world: World, namespace: string) {
  return askReaders(world, namespace, {
    async ask(ip) {
      const rest = world.ports.daemon.backups(ip, namespace)[Symbol.asyncIterator]()
      return { ip, first: await rest.next(), rest }
    },
    counts: ({ first }) => !first.done && first.value.length > 0,
  })
}

async function* pagesOf(
  first: IteratorResult<BackupInfo[]>,
  rest: AsyncIterator<BackupInfo[]>,
): AsyncGenerator<BackupInfo[]> {
  for (let page = first; !page.done; page = await rest.next()) yield page.value
}
