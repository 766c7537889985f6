import type { EndedRun } from '../domain/health-ports.ts'
import { makeTuples } from './bulk-rows.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'

// The JSON of a record is slim-record.ts's, or complete in rows of earlier versions. The times are read in SQL: to parse
// whole records would take the controller's own thread seconds in a large fleet.
const BODY = `LEFT JOIN "RecordBody" b ON b."rid" = r."rid"`
const END = `coalesce(r."json" ->> '$.e', r."json" ->> '$.end', b."json" ->> '$.end')`
const START = `coalesce(r."json" ->> '$.s', r."json" ->> '$.start', b."json" ->> '$.start', r."startKey")`
/** More are not needed to tell why a run failed. */
const MAX_REASON = 500

const READ_ENDS = Prisma.raw(` SELECT asked."jobId", r."rid", r."state", r."startKey", ${END} AS "end",
    substr(coalesce(r."json" ->> '$.reason', b."json" ->> '$.reason', ''), 1, ${MAX_REASON}) AS "reason",
    coalesce(r."json" ->> '$.error.code', b."json" ->> '$.error.code') AS "code"
  FROM asked JOIN "Record" r ON r."rid" = (SELECT n."rid" FROM "Record" n
    WHERE n."jobId" = asked."jobId" AND n."state" NOT IN ('queued', 'running')
    ORDER BY n."startKey" DESC, n."rid" DESC LIMIT 1) ${BODY}`)

interface EndRow extends Omit<EndedRun, 'at'> {
  jobId: string
  startKey: string
  end: string | null
}

/** The newest run of each job that has ended; a job without one is left out. */
export async function findLastEnds(db: CatalogDb, jobIds: readonly string[]): Promise<Map<string, EndedRun>> {
  const found = new Map<string, EndedRun>()
  for (const some of splitIntoLists(jobIds)) {
    const asked = some.map((id) => [id])
    const rows = await db.$queryRaw<EndRow[]>`WITH asked("jobId") AS ${makeTuples(asked)}${READ_ENDS}`
    for (const { jobId, startKey, end, ...run } of rows) {
      const at = Date.parse(end ?? startKey)
      found.set(jobId, { ...run, at: Number.isNaN(at) ? 0 : at })
    }
  }
  return found
}

const MAX_LENGTHS = 9
const READ_LENGTHS = Prisma.raw(` SELECT asked."jobId", (SELECT json_group_array("ms") FROM (
    SELECT round((julianday(${END}) - julianday(${START})) * 86400000) AS "ms" FROM "Record" r ${BODY}
    WHERE r."jobId" = asked."jobId" AND r."state" IN ('success', 'partial')
    ORDER BY r."startKey" DESC, r."rid" DESC LIMIT ${MAX_LENGTHS})) AS "lengths" FROM asked`)

/** How long the newest complete or partial runs of each job took, ms; a job without one is left out. */
export async function findRunLengths(
  db: CatalogDb,
  jobIds: readonly string[],
): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>()
  for (const some of splitIntoLists(jobIds)) {
    const asked = some.map((id) => [id])
    const rows = await db.$queryRaw<{ jobId: string; lengths: string }[]>`
      WITH asked("jobId") AS ${makeTuples(asked)}${READ_LENGTHS}`
    for (const { jobId, lengths } of rows) {
      const known = (JSON.parse(lengths) as (number | null)[]).filter((ms) => ms !== null)
      if (known.length > 0) found.set(jobId, known)
    }
  }
  return found
}
