import type { PeriodChange, PlaceKey, SchedulePeriod } from '../domain/health-ports.ts'
import { executeForTuples, insertRows } from './bulk-rows.ts'
import { JOB_PERIOD_TABLE } from './bulk-tables.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { toBigInt } from './numbers.ts'

/** Applies the changes in their order; consecutive ones of a kind together. */
export async function changeJobPeriods(
  transaction: DbTransaction,
  changes: readonly PeriodChange[],
): Promise<void> {
  for (const group of groupByKind(changes)) {
    const closes = group.filter((change) => change.kind === 'close')
    await closePeriods(transaction, closes)
    const opens = group.filter((change) => change.kind === 'open')
    await insertRows(transaction, JOB_PERIOD_TABLE, opens.map(toPeriodRow))
  }
}

function groupByKind(changes: readonly PeriodChange[]): PeriodChange[][] {
  const groups: PeriodChange[][] = []
  for (const change of changes) {
    const group = groups.at(-1)
    if (group?.[0]?.kind === change.kind) group.push(change)
    else groups.push([change])
  }
  return groups
}

async function closePeriods(
  transaction: DbTransaction,
  closes: { jobId: string; end: number }[],
): Promise<void> {
  await executeForTuples(
    transaction,
    closes.map(({ jobId, end }) => [jobId, toBigInt(end)]),
    {
      before: 'WITH closed("jobId", "at") AS ',
      after: ` UPDATE "JobPeriod" SET "end" = (SELECT max(closed."at", "JobPeriod"."begin") FROM closed
          WHERE closed."jobId" = "JobPeriod"."jobId")
        WHERE "end" IS NULL AND "jobId" IN (SELECT "jobId" FROM closed)`,
    },
  )
}

function toPeriodRow({ place, period }: Extract<PeriodChange, { kind: 'open' }>) {
  const { jobId, begin, spec, zone } = period
  const { app, proc, volume, instanceNo } = place
  return { jobId, begin: toBigInt(begin), spec, zone, app, proc, volume, instanceNo: toBigInt(instanceNo) }
}

interface PeriodRow extends Pick<SchedulePeriod, 'jobId' | 'spec' | 'zone'> {
  begin: bigint
  end: bigint | null
}

export async function findPeriods(
  db: CatalogDb,
  { app, proc, volume, instanceNo }: PlaceKey,
): Promise<SchedulePeriod[]> {
  const rows = await db.$queryRaw<PeriodRow[]>`
    SELECT "jobId", "spec", "zone", "begin", "end" FROM "JobPeriod"
    WHERE "app" = ${app} AND "proc" = ${proc} AND "volume" = ${volume} AND "instanceNo" = ${toBigInt(instanceNo)}
    ORDER BY "begin", "jobId"`
  return rows.map(({ begin, end, ...row }) => ({
    ...row,
    begin: Number(begin),
    end: end === null ? null : Number(end),
  }))
}

/** Rows per slice, few enough that news does not wait long. */
const ROWS_PER_SLICE = 500

/** @returns how many were deleted */
export function forgetJobPeriods(db: CatalogDb, before: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM "JobPeriod" WHERE ("jobId", "begin") IN
      (SELECT "jobId", "begin" FROM "JobPeriod" WHERE "end" < ${toBigInt(before)} LIMIT ${ROWS_PER_SLICE})`
}
