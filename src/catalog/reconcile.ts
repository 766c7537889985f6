import { isDeepStrictEqual } from 'node:util'
import type { ReconcileCounts } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { removeBackupRows } from './backup-news.ts'
import { makeBackupRow, toBackupInfo } from './backup-rows.ts'
import { insertRows } from './bulk-rows.ts'
import { BACKUP_TABLE } from './bulk-tables.ts'
import { changeOfServer, NO_CHANGE } from './catalog-change.ts'
import type { Backup } from './generated/client.ts'
import { refreshLastGood } from './newest.ts'
import { splitIntoLists } from './numbers.ts'
import type { CatalogWorld } from './world.ts'

interface Reconciling extends CatalogWorld {
  server: string
  dryRun: boolean
  /** News numbered above this arrived after the listing began, so it is newer and wins. */
  mark: number
  counts: ReconcileCounts
}

/**
 * Makes the catalog's backups of one namespace equal to the listing that its daemon sent, or with `dryRun` only counts
 * the differences. If the listing fails half way, nothing is removed, and backups already
 * added or updated stay.
 */
export async function reconcile(
  world: CatalogWorld,
  { server, pages, dryRun }: { server: string; pages: AsyncIterable<BackupInfo[]>; dryRun: boolean },
): Promise<ReconcileCounts> {
  const counts = { added: 0, updated: 0, removed: 0, unchanged: 0 }
  const now: Reconciling = { ...world, server, dryRun, mark: world.numbers.next(), counts }
  const seen = new Set<string>()
  for await (const page of pages) {
    const own = page.filter((info) => info.server === server)
    for (const { name } of own) seen.add(name)
    for (const some of splitIntoLists(own))
      await world.writes.run(
        () => applyPage(now, some),
        (changed) => (changed > 0 ? changeOfServer(server) : NO_CHANGE),
      )
  }
  await removeUnseen(now, seen)
  return counts
}

/** Returns how many backups it wrote. */
async function applyPage(world: Reconciling, page: BackupInfo[]): Promise<number> {
  const { db, server, dryRun, mark, counts } = world
  const where = { server, name: { in: page.map(({ name }) => name) } }
  const known = new Map((await db.backup.findMany({ where })).map((row) => [row.name, row]))
  const removedSince = new Set(
    (await db.tombstone.findMany({ where: { ...where, touched: { gt: mark } } })).map(nameOf),
  )
  const found: (keyof ReconcileCounts)[] = []
  const changed = page.filter((info) => {
    const row = known.get(info.name)
    if (removedSince.has(info.name) || (row && row.touched > mark)) return false
    const change = compareBackup(row, info)
    found.push(change)
    return change !== 'unchanged'
  })
  if (!dryRun && changed.length > 0) await replaceRows(world, changed, known)
  for (const change of found) counts[change] += 1
  return dryRun ? 0 : changed.length
}

function compareBackup(row: Backup | undefined, info: BackupInfo): 'added' | 'updated' | 'unchanged' {
  if (!row) return 'added'
  return isDeepStrictEqual(toBackupInfo(row), info) ? 'unchanged' : 'updated'
}

async function replaceRows(
  { db, server, numbers }: Reconciling,
  infos: BackupInfo[],
  known: Map<string, Backup>,
) {
  const where = { server, name: { in: infos.map(nameOf) } }
  const rows = infos.map((info) =>
    makeBackupRow(info, { toldAt: known.get(info.name)?.toldAt ?? '', touched: numbers.next() }),
  )
  const replaced = infos.flatMap(({ name }) => known.get(name) ?? [])
  await db.$transaction(async (transaction) => {
    await transaction.tombstone.deleteMany({ where })
    await insertRows(transaction, BACKUP_TABLE, rows)
    await refreshLastGood(transaction, [...replaced, ...rows])
  })
}

async function removeUnseen(world: Reconciling, seen: Set<string>): Promise<void> {
  const { db, server, mark, dryRun, counts, writes, numbers, clock } = world
  const rows = await db.backup.findMany({ where: { server, touched: { lte: mark } }, select: { name: true } })
  const unseen = rows.map(nameOf).filter((name) => !seen.has(name))
  counts.removed = unseen.length
  if (dryRun) return
  for (const names of splitIntoLists(unseen)) {
    const gone = { server, names, touched: numbers.next() }
    await writes.run(
      () => db.$transaction((transaction) => removeBackupRows(transaction, gone, clock.now())),
      () => changeOfServer(server),
    )
  }
}

function nameOf({ name }: { name: string }): string {
  return name
}
