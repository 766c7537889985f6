import type { KeptRecord } from '../domain/ports.ts'
import type { RunRecord } from '../wire/record.ts'
import { insertRows, makeList } from './bulk-rows.ts'
import { JOB_CONTENT_TABLE } from './bulk-tables.ts'
import type { DbTransaction } from './database.ts'
import { splitIntoLists } from './numbers.ts'
import type { JobContent } from './slim-record.ts'

/** What the catalog keeps once for all runs of a job. */
export interface JobContents {
  /** The content of a run's job; undefined for a one-off run, and for a run that differs from its job. */
  of(record: RunRecord): JobContent | undefined
  /** Of jobs that are new to the catalog: job id to JSON. */
  added: ReadonlyMap<string, string>
}

/** Reads the content of the jobs of these runs. The first run of a new job gives its content. */
export async function findJobContents(
  transaction: DbTransaction,
  changes: readonly Pick<KeptRecord, 'record'>[],
): Promise<JobContents> {
  const records = changes.map(({ record }) => record).filter(({ jobId }) => jobId !== '')
  const known = await readJobContents(transaction, [...new Set(records.map(({ jobId }) => jobId))])
  const added = new Map<string, string>()
  for (const record of records)
    if (!known.has(record.jobId) && !added.has(record.jobId)) added.set(record.jobId, printContent(record))
  return {
    added,
    of: (record) => {
      const json = known.get(record.jobId) ?? added.get(record.jobId)
      return json === printContent(record) ? { spec: record.spec, args: record.args } : undefined
    },
  }
}

async function readJobContents(transaction: DbTransaction, jobIds: string[]): Promise<Map<string, string>> {
  const known = new Map<string, string>()
  for (const some of splitIntoLists(jobIds)) {
    const rows = await transaction.$queryRaw<{ jobId: string; json: string }[]>`
      SELECT "jobId", "json" FROM "JobContent" WHERE "jobId" IN ${makeList(some)}`
    for (const { jobId, json } of rows) known.set(jobId, json)
  }
  return known
}

function printContent({ spec, args }: RunRecord): string {
  return JSON.stringify({ spec, args })
}

export async function writeJobContents(transaction: DbTransaction, { added }: JobContents): Promise<void> {
  const rows = [...added].map(([jobId, json]) => ({ jobId, json }))
  await insertRows(transaction, JOB_CONTENT_TABLE, rows)
}
