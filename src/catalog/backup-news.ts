import type { KeptRecord } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { makeBackupRow } from './backup-rows.ts'
import type { DbTransaction } from './database.ts'
import { timeKey } from './keyset.ts'
import { splitIntoLists } from './numbers.ts'

/**
 * What runs changed in the store. `toldAt` is the end of the run and its rid, which orders two reports on one backup;
 * `touched` is the event number of the change.
 */
export type BackupNews =
  | { kind: 'present'; info: BackupInfo; toldAt: string; touched: number }
  | { kind: 'gone'; server: string; names: string[]; touched: number }

/** In the order of the changes. */
export function collectBackupNews(changes: KeptRecord[]): BackupNews[] {
  return changes.flatMap(({ record, eventSeq: touched }) => {
    const { backup, deleted, changed = [] } = record.result ?? {}
    const toldAt = `${timeKey(record.end ?? record.start) ?? ''} ${record.rid}`
    const news: BackupNews[] = []
    for (const info of backup ? [backup, ...changed] : changed)
      news.push({ kind: 'present', info, toldAt, touched })
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
  for (const one of news) {
    if (one.kind === 'present') await applyPresent(transaction, one)
    else await removeBackupRows(transaction, one, now)
  }
}

async function applyPresent(
  transaction: DbTransaction,
  { info, toldAt, touched }: Extract<BackupNews, { kind: 'present' }>,
): Promise<void> {
  const server_name = { server: info.server, name: info.name }
  const tombstone = await transaction.tombstone.findUnique({ where: { server_name } })
  if (tombstone && !isStartedAgain(info, Number(tombstone.at))) return
  const known = await transaction.backup.findUnique({ where: { server_name }, select: { toldAt: true } })
  if (known && known.toldAt > toldAt) return
  if (known) await transaction.backup.delete({ where: { server_name } })
  await transaction.backup.create({ data: makeBackupRow(info, { toldAt, touched }) })
}

/** A deleted series comes back under its name with the next run. */
function isStartedAgain({ series, created }: BackupInfo, goneAt: number): boolean {
  return series !== null && Date.parse(created) > goneAt
}

/** Removes backups and leaves tombstones, so that late news does not bring them back. */
export async function removeBackupRows(
  transaction: DbTransaction,
  { server, names, touched }: { server: string; names: string[]; touched: number },
  now: number,
): Promise<void> {
  for (const some of splitIntoLists([...new Set(names)])) {
    const where = { server, name: { in: some } }
    await transaction.backup.deleteMany({ where })
    await transaction.tombstone.deleteMany({ where })
    await transaction.tombstone.createMany({ data: some.map((name) => ({ server, name, at: now, touched })) })
  }
}
