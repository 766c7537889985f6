import { BackupdError } from '../lib/errors.ts'
import { can } from '../wire/actions.ts'
import type { News } from '../wire/daemon-api.ts'
import type { ListCount, Page, RecordFilter, Slice } from '../wire/listing.ts'
import { isTerminal, type LegacyRecord, type RunRecord } from '../wire/record.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { reportCorruptAfter } from './corrupt-backups.ts'
import { fromLegacyRecord } from './legacy-record.ts'
import { relistSoon } from './listing.ts'
import { checkSender, filterOwnRecords, serverOfLegacyRecord } from './news-sender.ts'
import { reviveRuns } from './revive-runs.ts'
import { noteNewsFrom } from './servers.ts'
import type { World } from './world.ts'

/** Error codes after which the namespace is listed again, because the store knows more than the record. */
const STORE_KNOWS_MORE: ReadonlySet<string> = new Set([
  'ARCHIVE_CORRUPT', // the backup is marked and no longer counts as good
  'SNAPSHOT_CORRUPT', // the same for a snapshot
  'DAEMON_RESTARTED', // a complete backup was published at the restart
])

export interface NewsOrigin {
  /** The address that the connection came from. */
  from: string
  /** One reason for each record that could not be used. */
  setAside?: readonly string[]
  /** One reason for each part of a record that was left out. */
  mended?: readonly string[]
}

/**
 * Accepts news of a daemon; on disk when it resolves. Unusable records are set aside and the others accepted.
 * Throws FORBIDDEN if the news did not come from its server.
 */
export async function acceptNews(
  world: World,
  news: News,
  { from, setAside = [], mended = [] }: NewsOrigin,
): Promise<void> {
  checkSender(world, news.server, from)
  world.setAside.note(news.server, 'records', setAside)
  world.setAside.note(news.server, 'parts of records', mended)
  const records = await filterOwnRecords(world, news.server, news.records)
  world.ledger.noteAlive(news.running, news.server)
  const surprises = await countSurprises(world, records)
  const changed = await world.ledger.apply(records)
  await reportCorruptAfter(world, news.server, records)
  reviveRuns(world, news.server, news.running)
  noteNewsFrom(world, news.server, changed)
  for (const { error, args } of records) {
    const server = error && STORE_KNOWS_MORE.has(error.code) && findServer(world, args, news)
    if (server) relistSoon(world, server)
  }
  const own = world.servers.get(news.server)
  if (own && surprises > 0) relistSoon(world, own)
}

/** Counts series that did not grow by exactly one snapshot: another program, such as restic, has changed them. */
async function countSurprises({ ports }: World, records: readonly RunRecord[]): Promise<number> {
  let count = 0
  for (const { result } of records) {
    const { server, name, series } = result?.backup ?? {}
    if (!server || !name || !series) continue
    const known = (await ports.backups.get(server, name))?.series?.snapshots ?? 0
    if (series.snapshots !== known && series.snapshots !== known + 1) count++
  }
  return count
}

function findServer({ servers }: World, { namespace }: RunRecord['args'], { server }: News) {
  return servers.get(typeof namespace === 'string' ? namespace : server)
}

/** Accepts one post of a legacy daemon. Throws FORBIDDEN if it did not come from its server. */
export async function acceptLegacyRecord(
  world: World,
  legacy: LegacyRecord,
  { from }: NewsOrigin,
): Promise<void> {
  const record = fromLegacyRecord(legacy, serverOfLegacyRecord(world, legacy, from))
  await world.ledger.apply(await filterOwnRecords(world, record.server, [record]))
  noteNewsFrom(world, record.server, true)
  const server = world.servers.get(record.server)
  // A legacy daemon reports only the name of the backup: list the store for the rest.
  if (server && isTerminal(record.state)) relistSoon(world, server)
}

export async function getRecord(world: World, rid: string): Promise<RunRecord | undefined> {
  return (await world.ports.records.get(rid))?.record
}

/** Sorted by request time, latest first; a record keeps its position when it starts. */
export function findRecords(world: World, filter: RecordFilter, page: Page): Promise<Slice<RunRecord>> {
  return world.ports.records.find(filter, page)
}

export function countRecords({ ports }: World, filter: RecordFilter): Promise<ListCount> {
  return ports.records.count(filter)
}

export function cancelRecord(world: World, who: string, rid: string): Promise<Answer<RunRecord>> {
  return audited(world, { who, verb: 'cancelRecord', facts: { rid } }, async () => {
    const record = await getRecord(world, rid)
    if (!record) return refuse('NOT_FOUND', `There is no record "${rid}" to cancel`, { rid })
    if (!can('cancel', record.state)) {
      return refuse('CONFLICT', `Record ${rid} cannot be cancelled: it has ended already (${record.state})`, {
        rid,
      })
    }
    await world.ports.daemon.cancel(record.server, rid)
    return refreshRecord(world, record)
  })
}

/** Reads a record from its daemon into the catalog. Falls back to the known one if the daemon cannot give it. */
export async function refreshRecord(world: World, known: RunRecord): Promise<RunRecord> {
  try {
    const found = await world.ports.daemon.record(known.server, known.rid)
    if (found) await world.ledger.apply([found])
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
  }
  return (await getRecord(world, known.rid)) ?? known
}
