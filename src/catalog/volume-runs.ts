import type { ForgottenDay, PlaceKey, VolumeRun } from '../domain/health-ports.ts'
import { isoTime } from '../lib/clock.ts'
import type { CatalogDb } from './database.ts'
import { toBigInt } from './numbers.ts'

/** The backup runs of a volume requested in this time, oldest first; unix ms. */
export async function findVolumeRuns(
  db: CatalogDb,
  { app, proc, volume, instanceNo }: PlaceKey,
  { from, to }: { from: number; to: number },
): Promise<VolumeRun[]> {
  const rows = await db.$queryRaw<(Omit<VolumeRun, 'at'> & { startKey: string })[]>`
    SELECT "jobId", "startKey", "state" FROM "Record"
    WHERE "app" = ${app} AND "proc" = ${proc} AND "startKey" >= ${isoTime(from)} AND "startKey" < ${isoTime(to)}
      AND "volume" = ${volume} AND "instanceNo" = ${toBigInt(instanceNo)} AND "action" = 'backup'
    ORDER BY "startKey"`
  // Rows of earlier versions have the rid behind the time.
  return rows.map(({ startKey, ...row }) => ({ ...row, at: Date.parse(startKey.split(' ')[0] ?? '') }))
}

/** The counts of deleted backup records of a volume, on whatever server, from a day on. */
export async function findForgottenDays(
  db: CatalogDb,
  { app, proc, volume, instanceNo }: PlaceKey,
  from: string,
): Promise<ForgottenDay[]> {
  const rows = await db.$queryRaw<(Omit<ForgottenDay, 'count'> & { count: bigint })[]>`
    SELECT "day", "state", sum("count") AS "count" FROM "RecordDay"
    WHERE "app" = ${app} AND "proc" = ${proc} AND "volume" = ${volume}
      AND "instanceNo" = ${toBigInt(instanceNo)} AND "day" >= ${from} AND "action" = 'backup'
    GROUP BY "day", "state"`
  return rows.map(({ count, ...row }) => ({ ...row, count: Number(count) }))
}
