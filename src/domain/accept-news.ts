import type { News } from '../wire/daemon-api.ts'
import type { NewsHead } from '../wire/news-head.ts'
import { isTerminal, type LegacyRecord, type RunRecord } from '../wire/record.ts'
import { reportCorruptAfter } from './corrupt-backups.ts'
import { fromLegacyRecord } from './legacy-record.ts'
import { relistSoon } from './listing.ts'
import type { TakenNews } from './news-line.ts'
import { checkSender, listServersAt, type NewsPoster, serverOfLegacyRecord } from './news-sender.ts'
import { reviveRuns } from './revive-runs.ts'
import { applyNewsTimes } from './schedule.ts'
import { noteNewsFrom } from './servers.ts'
import type { World } from './world.ts'

/** Error codes after which the namespace is listed again, because the store knows more than the record. */
const STORE_KNOWS_MORE: ReadonlySet<string> = new Set([
  'ARCHIVE_CORRUPT', // the backup is marked and no longer counts as good
  'SNAPSHOT_CORRUPT', // the same for a snapshot
  'DAEMON_RESTARTED', // a complete backup was published at the restart
])

const NOTHING_TAKEN: TakenNews = { records: [], changed: false, isSurprising: false }

export interface PostOrigin extends NewsPoster {
  /** Of the body. */
  bytes?: number
}

export interface NewsOrigin extends PostOrigin {
  /** Aborted when the sender gives up: the news is then dropped, unless it is being stored already. */
  gone?: AbortSignal
  /** One reason for each record that could not be used. */
  setAside?: readonly string[]
  /** One reason for each part of a record that was left out. */
  mended?: readonly string[]
}

/**
 * Admits a post before it is read in full; dispose of its place when it has ended. Also a refused post is a sign of life
 * of its server and of the runs that it names, so that nothing that the controller itself delays counts as silence.
 * Throws FORBIDDEN if it did not come from its server, OVERLOADED if too much waits already.
 */
export function admitNews(world: World, head: NewsHead, origin: PostOrigin): Disposable {
  checkSender(world, head.server, origin)
  return admit(world, head, { bytes: origin.bytes ?? 0, isLegacy: false })
}

/**
 * Notes that a post from this address was refused before it was read, for lack of room or connections. It is a sign of
 * life of the servers that may send from there, and of all their runs, because nobody knows which runs it names.
 * @returns seconds until it may come again; undefined if no server sends from there
 */
export function noteUnreadNews(world: World, poster: NewsPoster): number | undefined {
  const servers = listServersAt(world, poster)
  for (const server of servers) {
    world.ledger.noteAllAlive(server)
    noteNewsFrom(world, server, false)
  }
  return servers.length > 0 ? world.newsGate.noteUnread(servers) : undefined
}

/**
 * Notes that a whole post from this address could not be used: it is too large, for example. Its servers are alive, but
 * their news cannot say what became of their runs. So they are asked, and nothing is lost because they do not answer.
 */
export function noteUnusableNews(world: World, poster: NewsPoster, flaw: string): void {
  for (const ip of listServersAt(world, poster)) {
    world.setAside.note(ip, 'posts', [flaw])
    noteNewsFrom(world, ip, false)
    const server = world.servers.get(ip)
    if (server) server.unusablePostAt = world.clock.now()
  }
}

function admit(world: World, head: NewsHead, more: { bytes: number; isLegacy: boolean }): Disposable {
  world.ledger.noteAlive(head.rids, head.server)
  noteNewsFrom(world, head.server, false)
  return world.newsGate.admit({ ...head, ...more })
}

/**
 * Accepts news of a daemon; on disk when it resolves. Unusable records are set aside and the others accepted.
 * Throws FORBIDDEN if the news did not come from its server.
 */
export async function acceptNews(world: World, news: News, origin: NewsOrigin): Promise<void> {
  const { setAside = [], mended = [], gone } = origin
  const { server, records, running, times = [] } = news
  checkSender(world, server, origin)
  world.setAside.note(server, 'records', setAside)
  world.setAside.note(server, 'parts of records', mended)
  world.ledger.noteAlive(running, server)
  const taken = records.length > 0 ? await world.newsLine.take({ server, records, gone }) : NOTHING_TAKEN
  await reportCorruptAfter(world, server, taken.records)
  reviveRuns(world, server, running)
  noteNewsFrom(world, server, taken.changed)
  const state = world.servers.get(server)
  if (state) applyNewsTimes(state, times)
  relistAfter(world, server, taken)
}

/** Accepts one post of a legacy daemon. Throws FORBIDDEN if it did not come from its server. */
export async function acceptLegacyRecord(
  world: World,
  legacy: LegacyRecord,
  origin: NewsOrigin,
): Promise<void> {
  const { bytes = 0, gone } = origin
  const record = fromLegacyRecord(legacy, serverOfLegacyRecord(world, legacy, origin))
  const { server, rid } = record
  using _place = admit(world, { server, rids: [rid], records: 1 }, { bytes, isLegacy: true })
  await world.newsLine.take({ server, records: [record], gone })
  noteNewsFrom(world, server, true)
  const known = world.servers.get(server)
  // A legacy daemon reports only the name of the backup: list the store for the rest.
  if (known && isTerminal(record.state)) relistSoon(world, known)
}

/** Lists the namespaces again about which the store knows more than the news tells. */
function relistAfter(world: World, server: string, { records, isSurprising }: TakenNews): void {
  const namespaces = records
    .filter(({ error }) => error !== null && STORE_KNOWS_MORE.has(error.code))
    .map((record) => findNamespace(record) ?? server)
  for (const namespace of new Set(isSurprising ? [...namespaces, server] : namespaces)) {
    const known = world.servers.get(namespace)
    if (known) relistSoon(world, known)
  }
}

function findNamespace({ args: { namespace } }: RunRecord): string | undefined {
  return typeof namespace === 'string' ? namespace : undefined
}
