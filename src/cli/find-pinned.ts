import type { Execute } from '../client/execute.ts'
import {
  BackupsToPinDocument,
  type BackupsToPinQuery,
  type BackupsToPinQueryVariables,
  SnapshotsWithHoldsDocument,
} from '../client/generated/operations.ts'
import { type BackupPin, listPins } from '../wire/pin.ts'

/** A full backup or a snapshot that is pinned. */
export interface PinnedThing {
  app: string
  proc: string
  name: string
  server: string
  /** null: it is not a snapshot. */
  snapshot: string | null
  pins: BackupPin[]
}

type ListedBackup = BackupsToPinQuery['backups']['nodes'][number]

const ITEMS_PER_PAGE = 500

export async function* findPinned(
  execute: Execute,
  filter: BackupsToPinQueryVariables['filter'],
): AsyncGenerator<PinnedThing> {
  const read = (after: string | null) =>
    execute(BackupsToPinDocument, { filter, first: ITEMS_PER_PAGE, after })
  for (let page = await read(null); ; page = await read(page.backups.pageInfo.endCursor ?? null)) {
    for (const backup of page.backups.nodes) yield* findPinnedOf(execute, backup)
    if (!page.backups.pageInfo.hasNextPage) return
  }
}

/** An increment has the pins of its snapshots. */
async function* findPinnedOf(execute: Execute, backup: ListedBackup): AsyncGenerator<PinnedThing> {
  const { app, proc, name, snapshotCount } = backup
  const pins = listPins(backup.holds)
  if (pins.length === 0) return
  const thing = { app, proc, name, server: backup.server.ip }
  if (snapshotCount === null) yield { ...thing, snapshot: null, pins }
  else yield* findPinnedSnapshots(execute, thing)
}

async function* findPinnedSnapshots(
  execute: Execute,
  series: Omit<PinnedThing, 'snapshot' | 'pins'>,
): AsyncGenerator<PinnedThing> {
  const read = async (after: string | null) =>
    (await execute(SnapshotsWithHoldsDocument, { ...series, first: ITEMS_PER_PAGE, after })).backup
  for (let page = await read(null); ; page = await read(page?.snapshots.at(-1)?.id ?? null)) {
    const snapshots = page?.snapshots ?? []
    for (const { id, holds } of snapshots) {
      const pins = listPins(holds)
      if (pins.length > 0) yield { ...series, snapshot: id, pins }
    }
    if (snapshots.length < ITEMS_PER_PAGE) return
  }
}
