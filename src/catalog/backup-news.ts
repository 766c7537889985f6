import type { KeptRecord } from '../domain/ports.ts'
import { type BackupInfo, hasUnreadableManifest } from '../wire/backup.ts'
import { makeBackupRow } from './backup-rows.ts'
import { executeForTuples, insertRows, makeTuples } from './bulk-rows.ts'
import { BACKUP_TABLE, TOMBSTONE_TABLE } from './bulk-tables.ts'
import type { DbTransaction } from './database.ts'
import type { Prisma } from './generated/client.ts'
import { timeKey } from './keyset.ts'
import { type GoodKey, refreshLastGood } from './newest.ts'
import { splitIntoLists } from './numbers.ts'

/**
 * What runs changed in the store. `toldAt` is the end of the run and its rid, which orders two reports on one backup;
 * `touched` is the event number of the change. `isByMaker`: the run made the backup, or the newest snapshot of the series.
 */
export type BackupNews =
  | { kind: 'present'; info: BackupInfo; toldAt: string; touched: number; isByMaker: boolean }
  | { kind: 'gone'; server: string; names: string[]; touched: number }

/** In the order of the changes. */
export function collectBackupNews(changes: KeptRecord[]): BackupNews[] {
  return changes.flatMap(({ record, eventSeq: touched }) => {
    const { backup, deleted, changed = [] } = record.result ?? {}
    const toldAt = `${timeKey(record.end ?? record.start) ?? ''} ${record.rid}`
    const news: BackupNews[] = []
    for (const info of backup ? [backup, ...changed] : changed)
      news.push({ kind: 'present', info, toldAt, touched, isByMaker: info.rid === record.rid })
    if (deleted?.length) news.push({ kind: 'gone', server: record.server, names: deleted, touched })
    return news
  })
}

/**
 * Gives the same result whatever the order of the news. Of two reports on one backup, that of the run which ended later
 * wins. A deleted backup stays deleted, because names are never reused, except for a series that is started again.
 */
export async function applyBackupNews(
  transaction: DbTransaction,
  news: BackupNews[],
  now: number,
): Promise<void> {
  if (news.length === 0) return
  const backups = await readBackups(transaction, news)
  for (const one of news) {
    if (one.kind === 'present') applyPresent(backups.get(nameKey(one.info)), one)
    else for (const name of one.names) applyGone(backups.get(nameKey({ ...one, name })), { ...one, now })
  }
  await writeBackups(transaction, [...backups.values()])
}

/** Removes backups and leaves tombstones, so that late news does not bring them back. */
export function removeBackupRows(
  transaction: DbTransaction,
  gone: { server: string; names: string[]; touched: number },
  now: number,
): Promise<void> {
  return applyBackupNews(transaction, [{ kind: 'gone', ...gone }], now)
}

/** What the catalog knows of a backup, with the changes that are not yet written. */
interface KnownBackup {
  server: string
  name: string
  /** Its volume as it is on disk; undefined if it is not on disk. */
  stored?: GoodKey
  /** Of the present backup; null without one, empty if only a list of the store told of it. */
  toldAt: string | null
  /** Of the present backup as it is on disk. */
  sequence?: number
  /** The present backup on disk has a manifest that cannot be read. */
  isUnreadable?: boolean
  /** When it was deleted, unix ms. */
  goneAt: number | null
  /** To be written; null: to be removed. */
  row?: Prisma.BackupCreateManyInput | null
  tombstone?: Prisma.TombstoneCreateManyInput
}

async function readBackups(
  transaction: DbTransaction,
  news: BackupNews[],
): Promise<Map<string, KnownBackup>> {
  const known = new Map<string, KnownBackup>(
    listNames(news).map((named) => [nameKey(named), { ...named, toldAt: null, goneAt: null }]),
  )
  for (const some of splitIntoLists([...known.values()].map(({ server, name }) => [server, name]))) {
    const rows = await transaction.$queryRaw<StoredRow[]>`
      SELECT asked.column1 AS "server", asked.column2 AS "name", b."source", b."mode", b."toldAt",
             b."sequence", b."corrupt", b."rid", b."series", t."at" AS "goneAt"
      FROM ${makeTuples(some)} AS asked
      LEFT JOIN "Backup" b ON b."server" = asked.column1 AND b."name" = asked.column2
      LEFT JOIN "Tombstone" t ON t."server" = asked.column1 AND t."name" = asked.column2`
    for (const row of rows) {
      const { server, name, source, mode, toldAt, sequence, goneAt } = row
      const stored = source !== null && mode !== null && { stored: { server, source, mode } }
      const times = { toldAt, goneAt: goneAt === null ? null : Number(goneAt) }
      const isUnreadable = hasUnreadableManifest(row)
      const order = sequence !== null && { sequence: Number(sequence), isUnreadable }
      known.set(nameKey({ server, name }), { server, name, ...times, ...stored, ...order })
    }
  }
  return known
}

interface StoredRow extends Pick<KnownBackup, 'server' | 'name' | 'toldAt'> {
  source: string | null
  mode: string | null
  sequence: bigint | null
  corrupt: string | null
  rid: string | null
  series: unknown
  goneAt: bigint | null
}

function listNames(news: BackupNews[]): { server: string; name: string }[] {
  return news.flatMap((one) =>
    one.kind === 'present'
      ? { server: one.info.server, name: one.info.name }
      : one.names.map((name) => ({ server: one.server, name })),
  )
}

/** A server is an IP, so the first space ends it. */
function nameKey({ server, name }: { server: string; name: string }): string {
  return `${server} ${name}`
}

function applyPresent(
  known: KnownBackup | undefined,
  { info, toldAt, touched, isByMaker }: Extract<BackupNews, { kind: 'present' }>,
): void {
  if (!known || (known.goneAt !== null && !isStartedAgain(info, known.goneAt))) return
  if (known.toldAt !== null && known.toldAt > toldAt) return
  if (isByMaker && wasListedSince(known, info)) return
  known.toldAt = toldAt
  known.row = makeBackupRow(info, { toldAt, touched })
}

/**
 * A list of the store that has the backup came after its run: it also has what was noted beside it since. A manifest is
 * published whole, so one that cannot be read was damaged since.
 */
function wasListedSince({ toldAt, sequence = -1, isUnreadable }: KnownBackup, info: BackupInfo): boolean {
  return toldAt === '' && (isUnreadable === true || sequence >= info.sequence)
}

/** A deleted series comes back under its name with the next run. */
function isStartedAgain({ series, created }: BackupInfo, goneAt: number): boolean {
  return series !== null && Date.parse(created) > goneAt
}

function applyGone(
  known: KnownBackup | undefined,
  { server, touched, now }: { server: string; touched: number; now: number },
): void {
  if (!known) return
  known.toldAt = null
  known.goneAt = now
  known.row = null
  known.tombstone = { server, name: known.name, at: now, touched }
}

async function writeBackups(transaction: DbTransaction, backups: KnownBackup[]): Promise<void> {
  const changed = backups.filter(({ row }) => row !== undefined)
  const removed = changed.filter(({ row, stored }) => row === null && stored)
  await executeForTuples(
    transaction,
    removed.map(({ server, name }) => [server, name]),
    { before: 'DELETE FROM "Backup" WHERE ("server", "name") IN ', after: '' },
  )
  const rows = changed.flatMap(({ row }) => row ?? [])
  await insertRows(transaction, BACKUP_TABLE, rows)
  const tombstones = changed.flatMap(({ tombstone }) => tombstone ?? [])
  await insertRows(transaction, TOMBSTONE_TABLE, tombstones)
  await refreshLastGood(transaction, [...rows, ...changed.flatMap(({ stored }) => stored ?? [])])
}
