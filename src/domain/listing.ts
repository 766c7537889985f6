import { BackupdError } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { QuestionAnswer, QuestionArgs, QuestionName } from '../wire/questions.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import type { ReconcileCounts } from './ports.ts'
import { isLegacyDaemon, isReachable, type ServerState } from './server-state.ts'
import type { World } from './world.ts'

export interface Relisted extends ReconcileCounts {
  /** The daemon that listed the namespace. */
  reader: string
}

/** Makes the catalog equal to the server's namespace in the store. */
export async function relist(world: World, namespace: string, dryRun: boolean): Promise<Relisted> {
  const { ip: reader, first, rest } = await startListing(world, namespace)
  const counts = await world.ports.backups.reconcile(namespace, joinPages(first, rest), dryRun)
  if (!dryRun) await reportCorrupt(world, namespace)
  return { ...counts, reader }
}

/**
 * Removes a namespace from the catalog if its folder is gone from the stores and its own daemon does not answer. Every
 * daemon that answers must confirm that, and must see its own folder, because an unmounted store also looks empty.
 * Throws CONFLICT if one still lists a backup of it or does not see its own folder; DAEMON_UNREACHABLE if none answers.
 */
export async function forgetNamespace(
  world: World,
  namespace: string,
  dryRun: boolean,
): Promise<ReconcileCounts> {
  const others = othersThan(world, namespace)
  if (others.length === 0) {
    const message = `No reachable daemon can check whether ${namespace} still has a folder; nothing of it was forgotten`
    throw new BackupdError('DAEMON_UNREACHABLE', message)
  }
  for (const ip of others) await checkGone(world, namespace, ip)
  const counts = await world.ports.backups.reconcile(namespace, joinPages(NOTHING, NO_MORE), dryRun)
  if (!dryRun) await reportCorrupt(world, namespace)
  return counts
}

async function checkGone({ ports: { daemon } }: World, namespace: string, ip: string): Promise<void> {
  const { namespaces } = await daemon.ask(ip, 'namespaces', {})
  if (!namespaces.includes(ip)) {
    const message = `The daemon on ${ip} does not find its own folder in its store, so it cannot check ${namespace}; nothing of it was forgotten. Check its store`
    throw new BackupdError('CONFLICT', message)
  }
  for await (const page of daemon.backups(ip, namespace)) {
    if (page.length === 0) continue
    const message = `The daemon on ${ip} still lists backups of ${namespace}; nothing of it was forgotten. Remove its folder from the store first`
    throw new BackupdError('CONFLICT', message)
  }
}

/** Runs relist in the background when it is its turn; if it fails, the next poll tries again. */
export function relistSoon(world: World, server: ServerState): void {
  server.listingStale = false
  world.relisting.add(server.ip, async () => {
    try {
      await relist(world, server.ip, false)
    } catch (error) {
      server.listingStale = true
      throw error
    }
  })
}

/** Asks a question about a namespace as askReaders() does; the first answer counts. */
export function askAbout<Name extends QuestionName>(
  world: World,
  question: Name,
  args: QuestionArgs<Name> & { namespace: string },
): Promise<QuestionAnswer<Name>> {
  return askReaders(world, args.namespace, {
    ask: (ip) => world.ports.daemon.ask(ip, question, args),
    counts: () => true,
  })
}

/**
 * Asks the namespace's own daemon or, if that is unreachable, the others, one of which may share its store: this is how
 * backups of a dead server are read. An empty answer of another daemon does not count, because its store may be a
 * different one. If the namespace's server is no longer known, it is asked last, because it is probably gone.
 */
async function askReaders<T>(world: World, namespace: string, question: ReaderQuestion<T>): Promise<T> {
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

interface ReaderQuestion<T> {
  ask(ip: string): Promise<T>
  /** Whether an answer of another daemon than the namespace's own counts. */
  counts(answer: T): boolean
}

function othersThan(world: World, namespace: string): string[] {
  const others = [...world.servers.values()].filter(
    (server) => isReachable(server) && !isLegacyDaemon(server),
  )
  return others.map(({ ip }) => ip).filter((ip) => ip !== namespace)
}

/** Accepts the list of another daemon only if it is not empty. */
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

async function* joinPages(
  first: IteratorResult<BackupInfo[]>,
  rest: AsyncIterator<BackupInfo[]>,
): AsyncGenerator<BackupInfo[]> {
  for (let page = first; !page.done; page = await rest.next()) yield page.value
}
