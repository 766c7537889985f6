import type { KeptRecord } from '../domain/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import type { AnswerCache } from './answer-cache.ts'
import type { CatalogDb } from './database.ts'
import type { EventNumbers } from './event-numbers.ts'
import type { WriteQueue } from './write-queue.ts'

/** Caches of pages; a write through `writes` drops the answers about what it changed. */
export interface Caches {
  backups: AnswerCache<Slice<BackupInfo>>
  records: AnswerCache<Slice<RunRecord>>
  record: AnswerCache<KeptRecord | undefined>
}

/** What the stores of a catalog share. */
export interface CatalogWorld {
  db: CatalogDb
  numbers: EventNumbers
  writes: WriteQueue
  caches: Caches
  clock: Clock
  log: Log
}

export interface RecordWorld extends CatalogWorld {
  /** The newest version of each record that has not ended, by last change. Mere progress is only here, not on disk. */
  live: Map<string, KeptRecord>
  /** The same records as they are on disk. */
  stored: Map<string, StoredLive>
}

export interface StoredLive {
  record: RunRecord
  /** undefined if the record was loaded at the start. */
  startKey: string | undefined
}
