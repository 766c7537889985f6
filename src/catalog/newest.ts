// Two tables answer "the last record of this job" and "the last good backup of this volume" without reading their
// history. The transaction that changes records or backups brings them up to date, from what it leaves behind.

import { executeForTuples } from './bulk-rows.ts'
import type { DbTransaction } from './database.ts'
import type { Backup } from './generated/client.ts'

/** Archives and the series of snapshots of a volume are numbered apart, so each has its own last good one. */
export type GoodKey = Pick<Backup, 'server' | 'source' | 'mode'>

/** @param jobIds the jobs with new records, or whose records changed their job */
export async function refreshJobLast(transaction: DbTransaction, jobIds: Iterable<string>): Promise<void> {
  const jobs = [...new Set(jobIds)].filter((jobId) => jobId !== '').map((jobId) => [jobId])
  await executeForTuples(transaction, jobs, {
    before: 'DELETE FROM "JobLast" WHERE "jobId" IN ',
    after: '',
  })
  await executeForTuples(transaction, jobs, {
    before: 'INSERT INTO "JobLast" ("jobId", "rid") WITH asked("jobId") AS ',
    after: ` SELECT r."jobId", r."rid" FROM asked JOIN "Record" r
      ON r."rid" = (SELECT n."rid" FROM "Record" n WHERE n."jobId" = asked."jobId"
        ORDER BY n."startKey" DESC, n."rid" DESC LIMIT 1)`,
  })
}

/** @param changed the volumes of added, changed and removed backups */
export async function refreshLastGood(
  transaction: DbTransaction,
  changed: readonly GoodKey[],
): Promise<void> {
  const keys = changed.map(({ server, source, mode }) => [server, source, mode])
  const distinct = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()]
  await executeForTuples(transaction, distinct, {
    before: 'DELETE FROM "LastGood" WHERE ("server", "source", "mode") IN ',
    after: '',
  })
  await executeForTuples(transaction, distinct, {
    before:
      'INSERT INTO "LastGood" ("server", "source", "mode", "sequenceKey") WITH asked("server", "source", "mode") AS ',
    after: ` SELECT b."server", b."source", b."mode", b."sequenceKey" FROM asked JOIN "Backup" b
      ON b."sequenceKey" = (SELECT max(g."sequenceKey") FROM "Backup" g WHERE g."server" = asked."server"
        AND g."source" = asked."source" AND g."mode" = asked."mode" AND g."good" = TRUE)`,
  })
}
