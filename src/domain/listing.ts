import { BackupdError } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { QuestionAnswer, QuestionArgs, QuestionName } from '../wire/questions.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import type { ReconcileCounts } from './ports.ts'
import { isLegacyDaemon, isReachable, type ServerState } from './server-state.ts'
import { reloadHealth } from './update-health.ts'
import type { World } from './world.ts'

/** How many daemons are asked about a namespace of another server, if the first ones cannot answer. */
const MAX_READERS = 3
const MAX_PARALLEL_QUESTIONS = 8
const FOLDERS_MAX_AGE_MS = 60_000

export interface Relisted extends ReconcileCounts {
  /** The daemon that listed the namespace. */
  reader: string
}

/** Makes the catalog equal to the server's namespace in the store. */
export async function relist(world: World, namespace: string, dryRun: boolean): Promise<Relisted> {
  let reader = namespace
  // Asks only once the catalog reads, so that news which comes before the answer counts as newer than the list.
  async function* listPages() {
    const { ip, first, rest } = await startListing(world, namespace)
    reader = ip
    yield* joinPages(first, rest)
  }
  const counts = await world.ports.backups.reconcile(namespace, listPages(), dryRun)
  if (!dryRun) await noteListed(world, namespace, counts)
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
  async function* checkedNothing(): AsyncGenerator<BackupInfo[]> {
    for (const ip of others) await checkGone(world, namespace, ip)
    yield []
  }
  const counts = await world.ports.backups.reconcile(namespace, checkedNothing(), dryRun)
  if (!dryRun) await noteListed(world, namespace, counts)
  return counts
}

async function noteListed(world: World, namespace: string, counts: ReconcileCounts): Promise<void> {
  await reportCorrupt(world, namespace)
  if (counts.added + counts.updated + counts.removed > 0) reloadHealth(world, namespace)
}

async function checkGone(
  { readers, ports: { daemon } }: World,
  namespace: string,
  ip: string,
): Promise<void> {
  const folders = await readers.readFolders(ip, FOLDERS_MAX_AGE_MS)
  if (!folders.has(ip)) {
    const message = `The daemon on ${ip} does not find its own folder in its store, so it cannot check ${namespace}; nothing of it was forgotten. Check its store`
    throw new BackupdError('CONFLICT', message)
  }
  if (!folders.has(namespace)) return
  for await (const page of daemon.backups(ip, namespace)) {
    if (page.length === 0) continue
    const message = `The daemon on ${ip} still lists backups of ${namespace}; nothing of it was forgotten. Remove its folder from the store first`
    throw new BackupdError('CONFLICT', message)
  }
}

/** Asks every daemon that answers for the folders of its store, a few at a time. Skips those that do not answer. */
export async function listStoredNamespaces(world: World): Promise<string[]> {
  const waiting = othersThan(world, '')
  const found = new Set<string>()
  const askNext = async () => {
    for (let ip = waiting.pop(); ip !== undefined; ip = waiting.pop()) {
      const folders = await world.readers.readFolders(ip, 0).catch(() => [])
      for (const folder of folders) found.add(folder)
    }
  }
  await Promise.all(Array.from({ length: MAX_PARALLEL_QUESTIONS }, askNext))
  return [...found].sort()
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
 * Asks the namespace's own daemon or, if that is unreachable, a few that may have a folder of it in their store: this is
 * how backups of a dead server are read. An empty answer of another daemon does not count. If the namespace's server is
 * no longer known, it is asked last, because it is probably gone.
 */
async function askReaders<T>(world: World, namespace: string, question: ReaderQuestion<T>): Promise<T> {
  const isKnown = world.servers.has(namespace)
  const first = isKnown ? await askOwn(namespace, question) : undefined
  if (first && 'answer' in first) return first.answer
  const found = await askOthers(world, namespace, question)
  if (found) return found.answer
  const last = first ?? (await askOwn(namespace, question))
  if ('answer' in last) return last.answer
  throw last.failure
}

/** Throws any error except that the daemon is unreachable. */
async function askOwn<T>(
  namespace: string,
  { ask }: ReaderQuestion<T>,
): Promise<{ answer: T } | { failure: unknown }> {
  try {
    return { answer: await ask(namespace) }
  } catch (failure) {
    if (failure instanceof BackupdError && failure.code === 'DAEMON_UNREACHABLE') return { failure }
    throw failure
  }
}

/** undefined if none of the first MAX_READERS gives an answer that counts. */
async function askOthers<T>(
  world: World,
  namespace: string,
  { ask, counts }: ReaderQuestion<T>,
): Promise<{ answer: T } | undefined> {
  const { readers } = world
  let tries = 0
  for await (const ip of findReaders(world, namespace)) {
    const answer = await ask(ip).then(
      (value) => (counts(value) ? { answer: value } : undefined),
      () => undefined,
    )
    if (answer) {
      readers.noteAnswer(namespace, ip)
      return answer
    }
    readers.noteFailure(namespace, ip)
    tries += 1
    if (tries === MAX_READERS) return undefined
  }
  return undefined
}

/**
 * The daemons that may be able to read the namespace: first those that named a folder of it; then those that do so now,
 * a few at a time and each asked at most once in FOLDERS_MAX_AGE_MS; as a last resort all others.
 */
async function* findReaders(world: World, namespace: string): AsyncGenerator<string> {
  const others = othersThan(world, namespace)
  const known = world.readers.listReaders(namespace, others)
  yield* known
  const unknown = others.filter(
    (ip) => !known.includes(ip) && !world.readers.wasAsked(ip, FOLDERS_MAX_AGE_MS),
  )
  for (let at = 0; at < unknown.length; at += MAX_PARALLEL_QUESTIONS) {
    const some = unknown.slice(at, at + MAX_PARALLEL_QUESTIONS)
    await Promise.allSettled(some.map((ip) => world.readers.readFolders(ip, 0)))
    yield* world.readers.listReaders(namespace, some)
  }
  const named = world.readers.listReaders(namespace, others)
  yield* others.filter((ip) => !named.includes(ip))
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

async function* joinPages(
  first: IteratorResult<BackupInfo[]>,
  rest: AsyncIterator<BackupInfo[]>,
): AsyncGenerator<BackupInfo[]> {
  for (let page = first; !page.done; page = await rest.next()) yield page.value
}
