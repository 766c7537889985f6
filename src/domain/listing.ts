import { BackupdError, hasCode } from '../lib/errors.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { ReadArgs } from '../wire/file-content.ts'
import type { QuestionAnswer, QuestionArgs, QuestionName } from '../wire/questions.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import type { Lane } from './lanes.ts'
import type { FileContent, ReconcileCounts } from './ports.ts'
import { isLegacyDaemon, isReachable, type ServerState } from './server-state.ts'
import { reloadHealth } from './update-health.ts'
import type { World } from './world.ts'

/** How many daemons are asked about a namespace of another server, if the first ones cannot answer. */
const MAX_READERS = 3
/** How many daemons are asked for their folders first; with each further round, twice as many. */
const FIRST_ROUND = 8
/** A round does not wait longer for daemons that do not answer, ms. */
const ROUND_PATIENCE_MS = 1000
const MAX_PARALLEL_QUESTIONS = 64
const FOLDERS_MAX_AGE_MS = 60_000
/** A namespace whose list failed is listed again after 20 s, 40 s, 80 s, … at most MAX_RELIST_DELAY_MS, with a poll. */
const FIRST_RELIST_DELAY_MS = 20_000
const MAX_RELIST_DELAY_MS = 300_000

export interface Relisted extends ReconcileCounts {
  /** The daemon that listed the namespace. */
  reader: string
}

export interface Listing {
  /** Only count the changes. */
  dryRun: boolean
  /** Whether another daemon is asked if the namespace's own one does not answer. */
  fromOthers: boolean
  lane: Lane
}

/** Makes the catalog equal to the server's namespace in the store. */
export async function relist(
  world: World,
  namespace: string,
  { dryRun, fromOthers, lane }: Listing,
): Promise<Relisted> {
  let reader = namespace
  // Asks only once the catalog reads, so that news which comes before the answer counts as newer than the list.
  async function* listPages() {
    const { ip, first, rest } = await lane.wait(startListing(world, namespace, fromOthers))
    reader = ip
    for (let page = first; !page.done; page = await lane.wait(rest.next())) yield page.value
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

/**
 * Lists the server's namespace in the background when it is its turn. If that fails, a later poll tries again. A daemon
 * that answers its polls is the only one that is asked, so that one whose store hangs costs the others nothing.
 */
export function relistSoon(world: World, server: ServerState): void {
  server.listingStale = true
  server.isListed = false
  if (world.clock.elapsed() < server.relistAt) return
  server.listingStale = false
  world.relisting.add(server.ip, async (lane) => {
    try {
      await relist(world, server.ip, { dryRun: false, fromOthers: !isReachable(server), lane })
      server.relistFailures = 0
      server.isListed = !server.listingStale && !world.relisting.isWaiting(server.ip)
    } catch (error) {
      noteRelistFailure(world, server)
      throw error
    }
  })
}

function noteRelistFailure({ clock }: World, server: ServerState): void {
  const delay = Math.min(MAX_RELIST_DELAY_MS, FIRST_RELIST_DELAY_MS * 2 ** server.relistFailures)
  server.listingStale = true
  server.relistAt = clock.elapsed() + delay
  server.relistFailures += 1
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

/** Opens a file of a backup at a daemon that askReaders() finds. */
export async function readAbout(world: World, file: ReadArgs, signal: AbortSignal): Promise<FileContent> {
  // Of a daemon that can read the namespace; that another one cannot be reached says less.
  let telling: unknown
  const ask = async (ip: string) => {
    signal.throwIfAborted()
    try {
      return await world.ports.daemon.readFile(ip, file, signal)
    } catch (error) {
      const isOfReader = !hasCode(error, 'DAEMON_UNREACHABLE') && !hasCode(error, 'DAEMON_REFUSED')
      if (isOfReader && !hasCode(error, 'NOT_FOUND')) telling ??= error
      throw error
    }
  }
  try {
    return await askReaders(world, file.namespace, { ask, counts: () => true })
  } catch (error) {
    throw telling ?? error
  }
}

/**
 * Asks the namespace's own daemon or, if that is unreachable, a few that may have a folder of it in their store: this is
 * how backups of a dead server are read. An empty answer of another daemon does not count. A server that did not answer
 * its last poll, or that is no longer known, is asked last: a user would wait for a host that is probably gone.
 */
async function askReaders<T>(world: World, namespace: string, question: ReaderQuestion<T>): Promise<T> {
  const isAnswering = world.servers.get(namespace)?.silentSince === null
  const first = isAnswering ? await askOwn(namespace, question) : undefined
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
    if (hasCode(failure, 'DAEMON_UNREACHABLE')) return { failure }
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
 * in rounds and each asked at most once in FOLDERS_MAX_AGE_MS; as a last resort all others. While its own daemon answers
 * its polls, the fleet is not asked for folders, because only the store of that one may hang.
 */
async function* findReaders(world: World, namespace: string): AsyncGenerator<string> {
  const { readers } = world
  const others = readers.sortSilentLast(othersThan(world, namespace))
  const tried = new Set<string>()
  const skipTried = (ips: readonly string[]) => ips.filter((ip) => tried.size < tried.add(ip).size)
  yield* skipTried(readers.listReaders(namespace, others))
  const own = world.servers.get(namespace)
  const asked = own && isReachable(own) ? [] : others
  const unknown = asked.filter((ip) => !tried.has(ip) && !readers.wasAsked(ip, FOLDERS_MAX_AGE_MS))
  for (let size = FIRST_ROUND; unknown.length > 0; size *= 2) {
    await askForFolders(world, namespace, unknown.splice(0, size))
    yield* skipTried(readers.listReaders(namespace, others))
  }
  yield* skipTried(readers.sortSilentLast(others))
}

/** Waits until one has a folder of the namespace or all have answered, but not for long; late answers count later. */
async function askForFolders(
  { readers, clock }: World,
  namespace: string,
  ips: readonly string[],
): Promise<void> {
  const found = Promise.withResolvers<void>()
  using _patience = clock.after(ROUND_PATIENCE_MS, () => found.resolve())
  const ask = async (ip: string) => {
    if ((await readers.readFolders(ip, 0)).has(namespace)) found.resolve()
  }
  await Promise.race([Promise.allSettled(ips.map(ask)), found.promise])
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

interface StartedListing {
  ip: string
  first: IteratorResult<BackupInfo[]>
  rest: AsyncIterator<BackupInfo[]>
}

/** Accepts the list of another daemon only if it is not empty. */
function startListing(world: World, namespace: string, fromOthers: boolean): Promise<StartedListing> {
  const question: ReaderQuestion<StartedListing> = {
    async ask(ip) {
      const rest = world.ports.daemon.backups(ip, namespace)[Symbol.asyncIterator]()
      return { ip, first: await rest.next(), rest }
    },
    counts: ({ first }) => !first.done && first.value.length > 0,
  }
  return fromOthers ? askReaders(world, namespace, question) : question.ask(namespace)
}
