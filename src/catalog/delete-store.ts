import type { DeleteStore, GoodDelete, GoodLoss, LossQuestion, VolumeLoss } from '../domain/delete-ports.ts'
import { executeForTuples, insertRows, makeList, makeTuples } from './bulk-rows.ts'
import { DELETED_GOOD_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'
import type { WriteQueue } from './write-queue.ts'

export function createDeleteStore(db: CatalogDb, writes: WriteQueue): DeleteStore {
  const write = (work: () => Promise<void>) => writes.run(work, () => NO_CHANGE)
  return {
    measure: (question) => measureLoss(db, question),
    note: (deletes, { at, forgetBefore }) =>
      write(() =>
        db.$transaction(async (transaction) => {
          await transaction.deletedGood.deleteMany({ where: { at: { lt: forgetBefore } } })
          // Those of a clock that was ahead would count for too long.
          await transaction.deletedGood.updateMany({ where: { at: { gt: at } }, data: { at } })
          await insertRows(
            transaction,
            DELETED_GOOD_TABLE,
            deletes.map((one) => ({ ...one, at: BigInt(at) })),
          )
        }),
      ),
    forget: (deletes) =>
      write(() =>
        executeForTuples(
          db,
          deletes.map(({ server, name, snapshot }) => [server, name, snapshot]),
          { before: 'DELETE FROM "DeletedGood" WHERE ("server", "name", "snapshot") IN ', after: '' },
        ),
      ),
    forgetRestored: (server, names, snapshots = ['']) =>
      write(async () => {
        if (names.length === 0 || snapshots.length === 0) return
        await db.$executeRaw`
          DELETE FROM "DeletedGood" WHERE "server" = ${server} AND "name" IN ${makeList(names)}
            AND EXISTS (SELECT 1 FROM ${makeTuples(snapshots.map((prefix) => [prefix]))} AS p
              WHERE substr("snapshot", 1, length(p.column1)) = p.column1)`
      }),
  }
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
  const fresh = await leaveOutNoted(db, question)
  const volumes: VolumeLoss[] = []
  const byVolume = Map.groupBy(question.deletes, nameVolume)
  const freshByVolume = Map.groupBy(fresh, nameVolume)
  for (const some of splitIntoLists([...byVolume.values()])) {
    const keys = some.flatMap(([first]) => (first ? [[first.app, first.server, first.source]] : []))
    const rows = await db.$queryRaw<VolumeRow[]>`
      WITH asked("app", "server", "source") AS ${makeTuples(keys)}
      SELECT asked."app", asked."server", asked."source", ${selectSums(question, OF_VOLUME)} FROM asked`
    for (const { app, server, source, ...sums } of rows) {
      const own = freshByVolume.get(nameVolume({ app, server, source }))
      volumes.push({ app, server, source, ...toLoss(sums, own ?? []) })
    }
  }
  const inScope = question.apps ? Prisma.sql`"app" IN ${makeList(question.apps)}` : Prisma.sql`TRUE`
  const [all] = await db.$queryRaw<SumRow[]>`SELECT ${selectSums(question, inScope)}`
  return { volumes, all: toLoss(all ?? { listed: 0, deleted: 0, gone: 0 }, fresh) }
}

const OF_VOLUME = Prisma.sql`"app" = asked."app" AND "server" = asked."server" AND "source" = asked."source"`

/** Of the good backups that are listed, were deleted, and were deleted and are listed no more. */
function selectSums({ since, counted }: LossQuestion, where: Prisma.Sql): Prisma.Sql {
  const exact = counted
    ? Prisma.sql`WHEN "server" = ${counted.server} AND "name" = ${counted.name} THEN ${counted.points}`
    : Prisma.empty
  // An increment counts as many as it has snapshots: the catalog does not know which of them are good.
  const points = Prisma.sql`CASE ${exact} WHEN "series" IS NULL THEN "good"
    WHEN "series" ->> '$.lastGood.id' IS NULL THEN 0 ELSE "series" ->> '$.snapshots' END`
  const recent = Prisma.sql`SELECT coalesce(sum("points"), 0) FROM "DeletedGood" AS d WHERE "at" > ${since} AND ${where}`
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

/** A delete that is tried again counts once. */
async function leaveOutNoted(db: CatalogDb, { deletes, since }: LossQuestion): Promise<GoodDelete[]> {
  const noted = new Set<string>()
  for (const some of splitIntoLists(deletes)) {
    const rows = await db.$queryRaw<Pick<GoodDelete, 'server' | 'name' | 'snapshot'>[]>`
      SELECT "server", "name", "snapshot" FROM "DeletedGood" WHERE "at" > ${since} AND ("server", "name", "snapshot")
        IN ${makeTuples(some.map(({ server, name, snapshot }) => [server, name, snapshot]))}`
    for (const row of rows) noted.add(nameDelete(row))
  }
  return deletes.filter((one) => !noted.has(nameDelete(one)))
}

function nameDelete({ server, name, snapshot }: Pick<GoodDelete, 'server' | 'name' | 'snapshot'>): string {
  return JSON.stringify([server, name, snapshot])
}

function nameVolume({ app, server, source }: Pick<GoodDelete, 'app' | 'server' | 'source'>): string {
  return JSON.stringify([app, server, source])
}
