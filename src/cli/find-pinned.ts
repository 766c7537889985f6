import type { Execute } from '../client/execute.ts'
import {
  BackupsToPinDocument,
  type BackupsToPinQuery,
  ServersWithListsDocument,
  type ServersWithListsQuery,
  ServerWithListDocument,
  SnapshotsWithHoldsDocument,
} from '../client/generated/operations.ts'
import { hasUnreadableManifest } from '../wire/backup.ts'
import { type BackupPin, listPins } from '../wire/pin.ts'

/** A full backup or a snapshot that is pinned, or a backup that may be: its manifest cannot be read. */
export interface PinnedThing {
  app: string
  proc: string
  name: string
  server: string
  /** null: it is not a snapshot. */
  snapshot: string | null
  pins: BackupPin[]
  /** Why it is not known what else keeps it; null if that is known. */
  unreadable: string | null
}

type ListedBackup = BackupsToPinQuery['backups']['nodes'][number]

const ITEMS_PER_PAGE = 500

export async function* findPinned(
  execute: Execute,
  place: { app?: string; server?: string },
): AsyncGenerator<PinnedThing> {
  const filter = { ...place, held: true }
  const read = (after: string | null) =>
    execute(BackupsToPinDocument, { filter, first: ITEMS_PER_PAGE, after })
  for (let page = await read(null); ; page = await read(page.backups.pageInfo.endCursor ?? null)) {
    for (const backup of page.backups.nodes) yield* findPinnedOf(execute, backup)
    if (!page.backups.pageInfo.hasNextPage) return
  }
}

/** A server that the controller knows. If its backups are not listed, pins there may be missing. */
export type ListedServer = ServersWithListsQuery['serverConnection']['nodes'][number]

/** All servers, or that one; empty if the controller does not know it. */
export async function readListedServers(execute: Execute, ip: string | undefined): Promise<ListedServer[]> {
  if (ip !== undefined) return [(await execute(ServerWithListDocument, { ip })).server ?? []].flat()
  const servers: ListedServer[] = []
  const read = (after: string | null) => execute(ServersWithListsDocument, { first: ITEMS_PER_PAGE, after })
  for (let page = await read(null); ; page = await read(page.serverConnection.pageInfo.endCursor ?? null)) {
    servers.push(...page.serverConnection.nodes)
    if (!page.serverConnection.pageInfo.hasNextPage) return servers
  }
}

/** An increment has the pins of its snapshots. */
async function* findPinnedOf(execute: Execute, backup: ListedBackup): AsyncGenerator<PinnedThing> {
  const { app, proc, name, corrupt, rid, snapshotCount } = backup
  const pins = listPins(backup.holds)
  const unreadable = hasUnreadableManifest({ corrupt, rid, series: snapshotCount }) ? corrupt : null
  if (pins.length === 0 && unreadable === null) return
  const thing = { app, proc, name, server: backup.server.ip }
  if (snapshotCount === null) yield { ...thing, snapshot: null, pins, unreadable }
  else yield* findPinnedSnapshots(execute, thing)
}

async function* findPinnedSnapshots(
  execute: Execute,
  series: Omit<PinnedThing, 'snapshot' | 'pins' | 'unreadable'>,
): AsyncGenerator<PinnedThing> {
  const read = async (after: string | null) =>
    (await execute(SnapshotsWithHoldsDocument, { ...series, first: ITEMS_PER_PAGE, after })).backup
  for (let page = await read(null); ; page = await read(page?.snapshots.at(-1)?.id ?? null)) {
    const snapshots = page?.snapshots ?? []
    for (const { id, holds } of snapshots) {
      const pins = listPins(holds)
      if (pins.length > 0) yield { ...series, snapshot: id, pins, unreadable: null }
    }
    if (snapshots.length < ITEMS_PER_PAGE) return
  }
}
