import type { DeleteStore, GoodDelete, GoodLoss, LossQuestion, VolumeLoss } from '../domain/delete-ports.ts'
import { executeForTuples, insertRows, makeList, makeTuples } from './bulk-rows.ts'
import { DELETED_GOOD_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'
import type { WriteQueue } from './write-queue.ts'

/** Fewer digits of an id can also be those of a snapshot that was not restored. */
const MIN_CLEAR_DIGITS = 8

export function createDeleteStore(db: CatalogDb, writes: WriteQueue): DeleteStore {
  const write = <T>(work: () => Promise<T>) => writes.run(work, () => NO_CHANGE)
  return {
    measure: (question) => measureLoss(db, question),
    note: (deletes, { at, forgetBefore }) =>
      write(() =>
        db.$transaction(async (transaction) => {
          await transaction.deletedGood.deleteMany({ where: { at: { lt: forgetBefore } } })
          // Those of a clock that was ahead would count for too long.
          await transaction.deletedGood.updateMany({ where: { at: { gt: at } }, data: { at } })
          const added = await leaveOutNoted(transaction, deletes)
          await insertRows(
            transaction,
            DELETED_GOOD_TABLE,
            deletes.map((one) => ({ ...one, at: BigInt(at) })),
          )
          return added
        }),
      ),
    forget: (deletes) =>
      write(() =>
        executeForTuples(db, deletes.map(listKey), {
          before: 'DELETE FROM "DeletedGood" WHERE ("server", "name", "snapshot") IN ',
          after: '',
        }),
      ),
    forgetRestored: (server, names, snapshots) =>
      write(async () => {
        const restored = Prisma.sql`"server" = ${server} AND "name" IN ${makeList(names)}`
        const which = snapshots ? selectClear(restored, snapshots) : Prisma.sql`('')`
        await db.$executeRaw`DELETE FROM "DeletedGood" WHERE ${restored} AND "snapshot" IN ${which}`
      }),
  }
}

/** The snapshots that are surely meant, by the first digits of their ids. */
function selectClear(restored: Prisma.Sql, prefixes: readonly string[]): Prisma.Sql {
  const clear = prefixes.filter((prefix) => prefix.length >= MIN_CLEAR_DIGITS)
  return Prisma.sql`(SELECT min("snapshot") FROM ${makeList(clear)} AS p, "DeletedGood"
    WHERE ${restored} AND "snapshot" >= p.value AND "snapshot" < p.value || 'g'
    GROUP BY p.value HAVING count(*) = 1)`
}

interface SumRow {
  listed: bigint | number
  deleted: bigint | number
  gone: bigint | number
}

interface VolumeRow extends SumRow {
  app: string
  server: string
  source: string
}

async function measureLoss(
  db: CatalogDb,
  question: LossQuestion,
): Promise<{ volumes: VolumeLoss[]; all: GoodLoss }> {
  const volumes: VolumeLoss[] = []
  const byVolume = Map.groupBy(question.deletes, nameVolume)
  for (const some of splitIntoLists([...byVolume.values()])) {
    const keys = some.flatMap(([first]) => (first ? [[first.app, first.server, first.source]] : []))
    const rows = await db.$queryRaw<VolumeRow[]>`
      SELECT asked."app", asked."server", asked."source", ${selectSums(question, OF_VOLUME)}
      FROM (SELECT column1 AS "app", column2 AS "server", column3 AS "source" FROM ${makeTuples(keys)}) AS asked`
    for (const { app, server, source, ...sums } of rows) {
      const own = byVolume.get(nameVolume({ app, server, source }))
      volumes.push({ app, server, source, ...toLoss(sums, own ?? []) })
    }
  }
  const inScope = question.apps ? Prisma.sql`"app" IN ${makeList(question.apps)}` : Prisma.sql`TRUE`
  const [all] = await db.$queryRaw<SumRow[]>`SELECT ${selectSums(question, inScope)}`
  return { volumes, all: toLoss(all ?? { listed: 0, deleted: 0, gone: 0 }, question.deletes) }
}

const OF_VOLUME = Prisma.sql`"app" = asked."app" AND "server" = asked."server" AND "source" = asked."source"`

/** Of the good backups that are listed, were deleted, and were deleted and are listed no more. */
function selectSums({ deletes, since, counted }: LossQuestion, where: Prisma.Sql): Prisma.Sql {
  const exact = counted
    ? Prisma.sql`WHEN "server" = ${counted.server} AND "name" = ${counted.name} THEN ${counted.points}`
    : Prisma.empty
  // An increment counts as many as it has snapshots: the catalog does not know which of them are good.
  const points = Prisma.sql`CASE ${exact} WHEN "series" IS NULL THEN "good"
    WHEN "series" ->> '$.lastGood.id' IS NULL THEN 0 ELSE "series" ->> '$.snapshots' END`
  // What is deleted now, and was noted, counts only as deleted now: it is tried again, or exists again.
  const others = [...splitIntoLists(deletes)].map(
    (some) => Prisma.sql` AND ("server", "name", "snapshot") NOT IN ${makeTuples(some.map(listKey))}`,
  )
  const recent = Prisma.sql`SELECT coalesce(sum("points"), 0) FROM "DeletedGood" AS d
    WHERE "at" > ${since} AND ${where}${Prisma.join([Prisma.empty, ...others], '')}`
  return Prisma.sql`
    (SELECT coalesce(sum(${points}), 0) FROM "Backup" WHERE ${where}) AS "listed",
    (${recent}) AS "deleted",
    (${recent} AND ("snapshot" <> '' OR NOT EXISTS
      (SELECT 1 FROM "Backup" b WHERE b."server" = d."server" AND b."name" = d."name"))) AS "gone"`
}

function toLoss({ listed, deleted, gone }: SumRow, now: readonly GoodDelete[]): GoodLoss {
  const points = now.reduce((sum, one) => sum + one.points, 0)
  return { good: Number(listed) + Number(gone), deleted: Number(deleted), now: points }
}

type GoodKey = Pick<GoodDelete, 'server' | 'name' | 'snapshot'>

async function leaveOutNoted(db: DbTransaction, deletes: readonly GoodDelete[]): Promise<GoodDelete[]> {
  const noted = new Set<string>()
  for (const some of splitIntoLists(deletes)) {
    const rows = await db.$queryRaw<GoodKey[]>`SELECT "server", "name", "snapshot" FROM "DeletedGood"
      WHERE ("server", "name", "snapshot") IN ${makeTuples(some.map(listKey))}`
    for (const row of rows) noted.add(nameDelete(row))
  }
  return deletes.filter((one) => !noted.has(nameDelete(one)))
}

function listKey({ server, name, snapshot }: GoodKey): string[] {
  return [server, name, snapshot]
}

function nameDelete(one: GoodKey): string {
  return JSON.stringify(listKey(one))
}

function nameVolume({ app, server, source }: Pick<GoodDelete, 'app' | 'server' | 'source'>): string {
  return JSON.stringify([app, server, source])
}
