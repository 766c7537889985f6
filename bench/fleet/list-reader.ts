import { setTimeout as sleep } from 'node:timers/promises'
import { countApps, type FleetSize } from './inventory.ts'
import { download, query, time } from './questions.ts'

/** Pause between two lists. */
const PAUSE_MS = 25

const RECORDS = `query ($filter: RecordFilter) {
  records(filter: $filter, first: 20) { nodes { rid state start end jobId reason } pageInfo { endCursor } } }`
const BACKUPS = `query ($filter: BackupFilter) {
  backups(filter: $filter, first: 50) { nodes { id created size good } pageInfo { endCursor } } }`

export interface ListReader {
  /** Stops, and returns how long each list took, ms. */
  stop(): Promise<{ latencies: number[]; failures: string[] }>
}

/** Reads lists as users do, one after the other: of records, of jobs and of backups, each time of another app. */
export function readLists(url: string, size: FleetSize): ListReader {
  const latencies: number[] = []
  const failures: string[] = []
  let isStopped = false
  const reading = (async () => {
    for (let n = 0; !isStopped; n++) {
      try {
        latencies.push(
          await time(() => readList(url, n, `app${Math.floor(Math.random() * countApps(size))}`)),
        )
      } catch (error) {
        failures.push(String(error))
      }
      await sleep(PAUSE_MS)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await reading
      return { latencies, failures }
    },
  }
}

function readList(url: string, n: number, app: string): Promise<unknown> {
  const lists = [
    () => query(url, RECORDS),
    () => query(url, RECORDS, { filter: { app } }),
    () => query(url, BACKUPS, { filter: { app } }),
    () => download(`${url}/api/v2/app/${app}/cron/jobs`),
  ]
  return lists[n % lists.length]?.() ?? Promise.resolve()
}
