import type { HealthStore, KeptJobHealth, KeptStoreDay } from '../domain/health-ports.ts'
import { executeForTuples, insertRows, makeList } from './bulk-rows.ts'
import { JOB_HEALTH_TABLE, STORE_DAY_TABLE } from './bulk-tables.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import { changeJobPeriods, findPeriods, forgetJobPeriods } from './job-periods.ts'
import { splitIntoLists, toBigInt } from './numbers.ts'
import type { WriteQueue } from './write-queue.ts'

export function createHealthStore(db: CatalogDb, writes: WriteQueue): HealthStore {
  return {
    load: async (jobIds) => {
      const found: KeptJobHealth[] = []
      for (const some of splitIntoLists(jobIds)) found.push(...(await readRows(db, some)))
      return found
    },
    save: (jobs) =>
      writes.run(
        () => db.$transaction((transaction) => insertRows(transaction, JOB_HEALTH_TABLE, jobs.map(toJobRow))),
        () => NO_CHANGE,
      ),
    remove: (jobIds) =>
      writes.run(
        () =>
          db.$transaction((transaction) =>
            executeForTuples(
              transaction,
              jobIds.map((id) => [id]),
              { before: 'DELETE FROM "JobHealth" WHERE "jobId" IN ', after: '' },
            ),
          ),
        () => NO_CHANGE,
      ),
    changePeriods: (changes) =>
      writes.run(
        () => db.$transaction((transaction) => changeJobPeriods(transaction, changes)),
        () => NO_CHANGE,
      ),
    periods: (place) => findPeriods(db, place),
    forgetPeriods: (before) =>
      writes.run(
        () => forgetJobPeriods(db, before),
        () => NO_CHANGE,
      ),
    loadStoreDays: async (from) => {
      const rows = await db.$queryRaw<StoreDayRow[]>`
        SELECT "server", "day", "at", "usedBytes", "freeBytes" FROM "StoreDay" WHERE "day" >= ${from}`
      return rows.map(({ at, usedBytes, freeBytes, ...row }) => ({
        ...row,
        at: Number(at),
        usedBytes: Number(usedBytes),
        freeBytes: Number(freeBytes),
      }))
    },
    saveStoreDays: (days) =>
      writes.run(
        () =>
          db.$transaction((transaction) => insertRows(transaction, STORE_DAY_TABLE, days.map(toStoreDayRow))),
        () => NO_CHANGE,
      ),
  }
}

type StoreDayRow = Omit<KeptStoreDay, 'at' | 'usedBytes' | 'freeBytes'> & {
  at: bigint
  usedBytes: bigint
  freeBytes: bigint
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
