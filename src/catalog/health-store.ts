import type { HealthStore, KeptJobHealth, KeptStoreDay } from '../domain/health-ports.ts'
import { executeForTuples, insertRows, makeList } from './bulk-rows.ts'
import { JOB_HEALTH_TABLE, STORE_DAY_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb, DbTransaction } from './database.ts'
import { changeJobPeriods, findPeriods, forgetJobPeriods } from './job-periods.ts'
import { splitIntoLists, toBigInt } from './numbers.ts'
import type { WriteQueue } from './write-queue.ts'

export function createHealthStore(db: CatalogDb, writes: WriteQueue): HealthStore {
  const write = (work: (transaction: DbTransaction) => Promise<void>) =>
    writes.run(
      () => db.$transaction(work),
      () => NO_CHANGE,
    )
  return {
    load: (jobIds) => loadJobs(db, jobIds),
    save: (jobs) => write((transaction) => insertRows(transaction, JOB_HEALTH_TABLE, jobs.map(toJobRow))),
    remove: (jobIds) => write((transaction) => removeJobs(transaction, jobIds)),
    changePeriods: (changes) => write((transaction) => changeJobPeriods(transaction, changes)),
    periods: (place) => findPeriods(db, place),
    forgetPeriods: (before) =>
      writes.run(
        () => forgetJobPeriods(db, before),
        () => NO_CHANGE,
      ),
    loadStoreDays: (from) => loadStoreDays(db, from),
    saveStoreDays: (days) =>
      write((transaction) => insertRows(transaction, STORE_DAY_TABLE, days.map(toStoreDayRow))),
  }
}

async function loadJobs(db: CatalogDb, jobIds: readonly string[]): Promise<KeptJobHealth[]> {
  const found: KeptJobHealth[] = []
  for (const some of splitIntoLists(jobIds)) found.push(...(await readRows(db, some)))
  return found
}

async function removeJobs(transaction: DbTransaction, jobIds: readonly string[]): Promise<void> {
  const keys = jobIds.map((id) => [id])
  const before = 'DELETE FROM "JobHealth" WHERE "jobId" IN '
  await executeForTuples(transaction, keys, { before, after: '' })
}

type StoreDayRow = Omit<KeptStoreDay, 'at' | 'usedBytes' | 'freeBytes'> & {
  at: bigint
  usedBytes: bigint
  freeBytes: bigint
}

async function loadStoreDays(db: CatalogDb, from: string): Promise<KeptStoreDay[]> {
  const rows = await db.$queryRaw<StoreDayRow[]>`
    SELECT "server", "day", "at", "usedBytes", "freeBytes" FROM "StoreDay" WHERE "day" >= ${from}`
  return rows.map(({ at, usedBytes, freeBytes, ...row }) => ({
    ...row,
    at: Number(at),
    usedBytes: Number(usedBytes),
    freeBytes: Number(freeBytes),
  }))
}

function toStoreDayRow({ at, usedBytes, freeBytes, ...row }: KeptStoreDay): StoreDayRow {
  return { ...row, at: toBigInt(at), usedBytes: toBigInt(usedBytes), freeBytes: toBigInt(freeBytes) }
}

interface JobHealthRow {
  jobId: string
  countedFrom: bigint
  pausedSince: bigint | null
  inherits: string | null
  standing: string
}

async function readRows(db: CatalogDb, jobIds: string[]): Promise<KeptJobHealth[]> {
  const rows = await db.$queryRaw<JobHealthRow[]>`
    SELECT "jobId", "countedFrom", "pausedSince", "inherits", "standing"
    FROM "JobHealth" WHERE "jobId" IN ${makeList(jobIds)}`
  return rows.map(({ countedFrom, pausedSince, standing, ...row }) => ({
    ...row,
    countedFrom: Number(countedFrom),
    pausedSince: pausedSince === null ? null : Number(pausedSince),
    standing: parseObject(standing),
  }))
}

function toJobRow({ countedFrom, pausedSince, standing, ...row }: KeptJobHealth): JobHealthRow {
  return {
    ...row,
    countedFrom: toBigInt(countedFrom),
    pausedSince: pausedSince === null ? null : toBigInt(pausedSince),
    standing: JSON.stringify(standing),
  }
}

/** A bad row must not stop the others: its states are found again. */
function parseObject(json: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}
