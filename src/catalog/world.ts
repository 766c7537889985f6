import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Db } from './database.ts'
import type { EventNumbers } from './event-numbers.ts'
import type { KeptRecord } from './read-records.ts'
import type { WriteQueue } from './write-queue.ts'

/** What the stores of one catalog share. */
export interface CatalogWorld {
  db: Db
  numbers: EventNumbers
  writes: WriteQueue
  clock: Clock
  log: Log
}

export interface RecordWorld extends CatalogWorld {
  /** The newest version of each record that has not ended. Mere progress is kept here alone. */
  live: Map<string, KeptRecord>
}
