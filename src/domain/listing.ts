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

/**
 * Takes the namespace out of the catalog, whose folder is gone from the stores and whose own daemon does not answer.
 * Every daemon that answers must have looked: a store that is not there shows nothing, and proves nothing. Throws
 * CONFLICT where one still lists something of it or does not see its own folder; DAEMON_UNREACHABLE where none answers.
 */
export async function forgetNamespace(
  world: World,
  namespace: string,
  dryRun: boolean,
): Promise<ReconcileCounts> {
  const others = othersThan(world, namespace)
  if (others.length === 0) {
    const message = `No daemon answers that could tell whether ${namespace} still has a folder; nothing of it was forgotten`
    throw new BackupdError('DAEMON_UNREACHABLE', message)
  }
  for (const ip of others) await checkGone(world, namespace, ip)
  return await world.ports.backups.reconcile(namespace, pagesOf(NOTHING, NO_MORE), dryRun)
}

async function checkGone({ ports: { daemon } }: World, namespace: string, ip: string): Promise<void> {
  if (!(await daemon.namespaces(ip)).includes(ip)) {
    const message = `The daemon on ${ip} does not find its own folder in its store, so it cannot tell of ${namespace}; nothing of it was forgotten. See its store`
    throw new BackupdError('CONFLICT', message)
  }
  for await (const page of daemon.backups(ip, namespace)) {
    if (page.length === 0) continue
    const message = `The daemon on ${ip} still lists backups of ${namespace}; nothing of it was forgotten. Remove its folder from the store first`
    throw new BackupdError('CONFLICT', message)
  }
}

/** As relist, in the background; tried again with the next poll where it fails. */
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

const NOTHING = { done: true, value: undefined } as const
const NO_MORE = { next: async () => NOTHING }

async function* pagesOf(
  first: IteratorResult<BackupInfo[]>,
  rest: AsyncIterator<BackupInfo[]>,
): AsyncGenerator<BackupInfo[]> {
  for (let page = first; !page.done; page = await rest.next()) yield page.value
}
