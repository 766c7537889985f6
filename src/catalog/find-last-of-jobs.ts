import type { RunRecord } from '../wire/record.ts'
import { makeList } from './bulk-rows.ts'
import { splitIntoLists } from './numbers.ts'
import { readKept } from './read-records.ts'
import type { RecordWorld } from './world.ts'

/** The newest record of each job; a job that never ran is left out. */
export async function findLastOfJobs(
  { db, live }: Pick<RecordWorld, 'db' | 'live'>,
  jobIds: readonly string[],
): Promise<Map<string, RunRecord>> {
  const last = new Map<string, RunRecord>()
  for (const some of splitIntoLists(jobIds)) {
    const rows = await db.$queryRaw<{ jobId: string; rid: string }[]>`
      SELECT "jobId", "rid" FROM "JobLast" WHERE "jobId" IN ${makeList(some)}`
    const kept = await readKept(
      db,
      rows.map(({ rid }) => rid),
    )
    const rids = new Map(rows.map(({ jobId, rid }) => [jobId, rid]))
    for (const jobId of some) {
      const rid = rids.get(jobId) ?? ''
      const record = live.get(rid)?.record ?? kept.get(rid)?.record
      if (record) last.set(jobId, record)
    }
  }
  return last
}
