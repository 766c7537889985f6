import type { RunRecord } from '../wire/record.ts'
import { makeList } from './bulk-rows.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'
import { readWhere } from './read-records.ts'
import type { RecordWorld } from './world.ts'

/** The newest record of each job; a job that never ran is left out. */
export async function findLastOfJobs(
  { db, live }: Pick<RecordWorld, 'db' | 'live'>,
  jobIds: readonly string[],
): Promise<Map<string, RunRecord>> {
  const last = new Map<string, RunRecord>()
  for (const some of splitIntoLists(jobIds)) {
    const newest = Prisma.sql`r."rid" IN (SELECT "rid" FROM "JobLast" WHERE "jobId" IN ${makeList(some)})`
    for (const { record } of await readWhere(db, newest))
      last.set(record.jobId, live.get(record.rid)?.record ?? record)
  }
  return last
}
