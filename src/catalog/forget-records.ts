import { UNFINISHED_STATES } from '../wire/record.ts'
import { Prisma } from './generated/client.ts'
import { parseRecordKey, printRecordKey } from './record-filter.ts'
import type { CatalogWorld } from './world.ts'

/** Rows per slice, few enough that news does not wait long. */
const ROWS_PER_SLICE = 200

interface OldRecord {
  rid: string
  startKey: string
  server: string
  app: string
  proc: string
  volume: string
  instanceNo: bigint | null
  action: string
  mode: string
  state: string
  /** 1 for the newest record of a job, and for one that a backup or a snapshot refers to. */
  isKept: bigint | number
}

export interface ForgetRequest {
  /** ISO 8601 with milliseconds: only records requested earlier are deleted. */
  before: string
  /** `next` of the previous slice; null for the first. */
  after: string | null
}

/**
 * Deletes one slice of old records, oldest first: all ended ones, except the newest of each job and those that a backup
 * or a snapshot refers to. The catalog does not list snapshots, so increments requested after the oldest snapshot of
 * their series, or up to a day before, count as referred to; if an older daemon does not report that time, all of them
 * do. The same transaction adds the deleted records to the counts by day of their volume. Runs in the write queue.
 * Their events go with them, because they are read together.
 * @returns `next`: where the next slice begins, null after the last; `events`: how many were deleted
 */
export async function forgetRecords(
  { db }: Pick<CatalogWorld, 'db'>,
  { before, after }: ForgetRequest,
): Promise<{ deleted: number; next: string | null; events: number }> {
  const from = parseRecordKey(after ?? '')
  const slice = await db.$queryRaw<OldRecord[]>`
    SELECT rid, startKey, server, app, proc, volume, instanceNo, action, mode, state,
      EXISTS (SELECT 1 FROM JobLast WHERE JobLast.jobId = old.jobId AND JobLast.rid = old.rid)
      OR EXISTS (SELECT 1 FROM Backup WHERE Backup.rid = old.rid)
      OR (action = 'backup' AND mode = 'increment' AND state IN ('success', 'partial') AND EXISTS
        (SELECT 1 FROM Backup series WHERE series.server = old.server AND series.app = old.app
          AND series.proc = old.proc AND series.volume = old.volume AND series.instanceNo = old.instanceNo
          AND series.series IS NOT NULL AND old.startKey >=
            ifnull(strftime('%Y-%m-%dT%H:%M:%S', series.series ->> 'oldestCreated', '-1 day'), ''))) AS isKept
    FROM Record old
    WHERE startKey >= ${from.startKey} AND (startKey > ${from.startKey} OR rid > ${from.rid})
      AND startKey < ${before} AND state NOT IN (${Prisma.join([...UNFINISHED_STATES])})
    ORDER BY startKey, rid LIMIT ${ROWS_PER_SLICE}`
  const last = slice.length < ROWS_PER_SLICE ? undefined : slice.at(-1)
  const old = slice.filter(({ isKept }) => Number(isKept) === 0)
  let events = 0
  if (old.length > 0) {
    const rids = old.map(({ rid }) => rid)
    await db.$transaction(async (transaction) => {
      const days = countByDay(old)
      if (days.length > 0) await transaction.$executeRaw(addDays(days))
      await transaction.record.deleteMany({ where: { rid: { in: rids } } })
      await transaction.recordBody.deleteMany({ where: { rid: { in: rids } } })
      events = (await transaction.recordEvent.deleteMany({ where: { rid: { in: rids } } })).count
    })
  }
  return {
    deleted: old.length,
    events,
    next: last ? printRecordKey(last) : null,
  }
}

type Day = Prisma.RecordDayCreateManyInput

function countByDay(old: OldRecord[]): Day[] {
  const days = new Map<string, Day>()
  for (const { server, app, proc, volume, instanceNo, startKey, action, mode, state } of old) {
    if (volume === '') continue
    const day = startKey.slice(0, 'YYYY-MM-DD'.length)
    const key = [server, app, proc, volume, instanceNo, day, action, mode, state].join('\n')
    const known = days.get(key)
    const count = (known?.count ?? 0) + 1
    days.set(key, {
      ...(known ?? { server, app, proc, volume, instanceNo: instanceNo ?? 0n, day, action, mode, state }),
      count,
    })
  }
  return [...days.values()]
}

function addDays(days: Day[]): Prisma.Sql {
  const rows = days.map(
    (day) =>
      Prisma.sql`(${day.server}, ${day.app}, ${day.proc}, ${day.volume}, ${day.instanceNo}, ${day.day}, ${day.action}, ${day.mode}, ${day.state}, ${day.count})`,
  )
  return Prisma.sql`
    INSERT INTO RecordDay (server, app, proc, volume, instanceNo, day, action, mode, state, count)
    VALUES ${Prisma.join(rows)}
    ON CONFLICT DO UPDATE SET count = count + excluded.count`
}
