import type { AuditFilter, AuditStore, NewAuditEntry } from '../domain/ports.ts'
import { type AuditEntry, type AuditHead, BEGUN, hashAuditEntry, PRUNE_VERB } from '../wire/audit-entry.ts'
import { encodeCursor, parseRowCursor } from '../wire/cursor.ts'
import { capCount, MAX_COUNT, type Page } from '../wire/listing.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { Audit, Prisma } from './generated/client.ts'
import type { WriteQueue } from './write-queue.ts'

/** How many rows one call of forget() deletes at most, so that other writes do not wait long. */
const MAX_FORGOTTEN_ROWS = 500
const CURSOR = 'audit'

type AuditTable = Pick<Prisma.TransactionClient, 'audit'>

/** Opens the chain at its newest entry. */
export async function openAuditStore(db: CatalogDb, writes: WriteQueue): Promise<AuditStore> {
  let head = await readHead(db)
  const write = <T>(work: () => Promise<T>) => writes.run(work, () => NO_CHANGE)
  return {
    get head() {
      return head
    },
    write: (entry) =>
      write(async () => {
        head = await append(db, entry)
        return head.id
      }),
    find: (filter, page) => findEntries(db, filter, page),
    count: async (filter) =>
      capCount(await db.audit.count({ where: makeWhere(filter), take: MAX_COUNT + 1 })),
    hashOf: async (id) => {
      const row = await db.audit.findUnique({ where: { id }, select: { hash: true } })
      return row ? (row.hash ?? '') : undefined
    },
    findOpen: (sinceVerb) => findOpen(db, sinceVerb),
    forget: (before, now) =>
      write(async () => {
        const { count, newest } = await db.$transaction((transaction) => pruneAudit(transaction, before, now))
        head = newest ?? head
        return count
      }),
  }
}

async function readHead({ audit }: AuditTable): Promise<AuditHead | null> {
  const last = await audit.findFirst({ orderBy: { id: 'desc' }, select: { id: true, hash: true } })
  return last && { id: last.id, hash: last.hash ?? '' }
}

/** Reads the newest entry first: only one write runs at a time. */
async function append(table: AuditTable, { facts, ...given }: NewAuditEntry): Promise<AuditHead> {
  const texts = {
    who: toStorable(given.who),
    verb: toStorable(given.verb),
    outcome: toStorable(given.outcome),
  }
  const entry = { ...given, ...texts, begin: given.begin ?? null }
  const last = await readHead(table)
  const id = (last?.id ?? 0) + 1
  // As it is read again.
  const asRead = JSON.parse(JSON.stringify(facts)) as AuditEntry['facts']
  const hash = hashAuditEntry(last?.hash ?? '', { ...entry, id, facts: asRead })
  await table.audit.create({ data: { ...entry, id, facts: JSON.stringify(asRead), hash } })
  return { id, hash }
}

/** Callers can send what a database stores as something else; then the hash would not be the one of the entry. */
function toStorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

async function findEntries(db: CatalogDb, filter: AuditFilter, page: Page) {
  const after = parseRowCursor(CURSOR, page)
  const rows = await db.audit.findMany({
    where: { ...makeWhere(filter), ...(after !== undefined && { id: { lt: after } }) },
    orderBy: { id: 'desc' },
    take: page.first + 1,
  })
  const items = rows
    .slice(0, page.first)
    .map((row) => ({ cursor: encodeCursor(CURSOR, String(row.id)), node: toEntry(row) }))
  return { items, hasNextPage: rows.length > page.first }
}

function makeWhere({ verb, from, to }: AuditFilter): Prisma.AuditWhereInput {
  return {
    ...(verb !== undefined && { verb }),
    ...((from !== undefined || to !== undefined) && {
      at: { ...(from !== undefined && { gte: from }), ...(to !== undefined && { lt: to }) },
    }),
  }
}

async function findOpen(db: CatalogDb, verb: string): Promise<AuditEntry[]> {
  const since = await db.audit.findFirst({ where: { verb }, orderBy: { id: 'desc' }, select: { id: true } })
  const rows = await db.$queryRaw<Audit[]>`
    SELECT a.* FROM "Audit" a WHERE a."id" > ${since?.id ?? 0} AND a."outcome" = ${BEGUN} AND a."begin" IS NULL
      AND NOT EXISTS (SELECT 1 FROM "Audit" e WHERE e."begin" = a."id") ORDER BY a."id"`
  return rows.map((row) => toEntry({ ...row, id: Number(row.id) }))
}

/** Deletes only from the oldest on, so that what stays is one piece of the chain. The checkpoint has its beginning. */
async function pruneAudit(table: AuditTable, before: string, now: string) {
  const rows = await table.audit.findMany({
    orderBy: { id: 'asc' },
    take: MAX_FORGOTTEN_ROWS,
    select: { id: true, at: true, hash: true },
  })
  const old = await listOld(table, rows, { before, now })
  const last = old.at(-1)
  if (!last) return { count: 0 }
  const facts = { id: last.id, hash: last.hash ?? '' }
  const entry = { at: now, who: 'backupd', verb: PRUNE_VERB, facts, outcome: 'done' }
  const newest = await append(table, entry)
  await table.audit.deleteMany({ where: { id: { lte: last.id } } })
  return { count: old.length, newest }
}

/**
 * The rows up to the last old one. Those with a time in the future, of a clock that was wrong, are as old as those after
 * them.
 */
async function listOld<Row extends Pick<Audit, 'id' | 'at'>>(
  { audit }: AuditTable,
  rows: readonly Row[],
  { before, now }: { before: string; now: string },
): Promise<readonly Row[]> {
  const young = rows.findIndex(({ at }) => at >= before && at <= now)
  const end = rows.slice(0, young < 0 ? rows.length : young).findLastIndex(({ at }) => at < before)
  if (end >= 0 || young >= 0) return rows.slice(0, end + 1)
  const next = await audit.findFirst({
    where: { id: { gt: rows.at(-1)?.id ?? 0 }, at: { lte: now } },
    orderBy: { id: 'asc' },
    select: { at: true },
  })
  return next && next.at < before ? rows : []
}

function toEntry({ facts, ...row }: Audit): AuditEntry {
  return { ...row, facts: parseFacts(facts) }
}

/** What somebody broke stays readable, so that the others are found, too. */
function parseFacts(text: string): AuditEntry['facts'] {
  try {
    return Object(JSON.parse(text)) as AuditEntry['facts']
  } catch {
    return { unreadable: text }
  }
}
