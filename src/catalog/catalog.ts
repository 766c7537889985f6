// The catalog: what the controller remembers, in one SQLite database through Prisma. catalog.ts opens it and hands out
// the stores that domain/ports.ts describes; only controller/ and cli/ open it, one process at a time.
// It only remembers: it knows no rules, daemons or GraphQL, and may import lib, wire and domain/ports.ts.

import { dirname, join, resolve } from 'node:path'
import type { AlarmStore } from '../domain/alarm-ports.ts'
import type { DeleteStore } from '../domain/delete-ports.ts'
import type { HealthStore } from '../domain/health-ports.ts'
import type { NotificationStore } from '../domain/notify-ports.ts'
import type {
  AccessStore,
  AuditStore,
  BackupStore,
  CatalogCopier,
  EnrolmentMark,
  KeptRecord,
  RecordStore,
  ServerStore,
  SessionStore,
  TokenStore,
} from '../domain/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { makeFolder } from '../lib/make-folder.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { Slice } from '../wire/listing.ts'
import type { RunRecord } from '../wire/record.ts'
import { openAccessMark } from './access-mark.ts'
import { createAlarmStore } from './alarm-store.ts'
import { AnswerCache } from './answer-cache.ts'
import { openAuditStore } from './audit-store.ts'
import { createBackupStore } from './backup-store.ts'
import { backupKey, type CatalogChange } from './catalog-change.ts'
import { lockCatalog } from './catalog-lock.ts'
import { checkFileInProcess, isCheckedLater } from './check-file.ts'
import { createCopier } from './copier.ts'
import { type CatalogDb, openCatalogDatabase } from './database.ts'
import { createDeleteStore } from './delete-store.ts'
import { openEnrolmentMark } from './enrolment-mark.ts'
import { type EventNumbers, openEventNumbers } from './event-numbers.ts'
import { createHealthStore } from './health-store.ts'
import { openIdentity } from './identity.ts'
import { createNotificationStore } from './notification-store.ts'
import { openRecordStore } from './record-store.ts'
import { createServerStore } from './server-store.ts'
import { createSessionStore } from './session-store.ts'
import { createTokenStore } from './token-store.ts'
import type { Caches } from './world.ts'
import { createWriteQueue, type WriteQueue } from './write-queue.ts'

export interface CatalogOptions {
  /** The directory of `catalog.db`; created if it is missing. */
  dataDir: string
  copyDir: string
  log: Log
  clock: Clock
  /** Called if a write finds the disk full, to free room; the write is then tried again. */
  onDiskFull?(): void
  /** Called once if the database can no longer be used; the catalog must then be closed. */
  onLost?(error: BackupdError): void
  /** Bytes; the pages of a larger file are checked by `checkPages`. */
  maxCheckedAtOpen?: number
}

/** What the controller remembers; implements the ports of domain/ports.ts. */
export interface Catalog {
  records: RecordStore
  backups: BackupStore
  deletes: DeleteStore
  servers: ServerStore
  health: HealthStore
  alarms: AlarmStore
  notifications: NotificationStore
  audit: AuditStore
  tokens: TokenStore
  sessions: SessionStore
  access: AccessStore
  enrolmentMark: EnrolmentMark
  copier: CatalogCopier
  /** The id by which daemons know this controller. */
  identity: string
  /**
   * Reads all pages of a file that was too large to do so at the open, until `signal` aborts. Throws CATALOG_UNUSABLE if
   * it is damaged; nothing is written to it from then on.
   */
  checkPages(signal: AbortSignal): Promise<void>
  /** Waits for writes under way, then releases the lock. */
  close(): Promise<void>
}

/**
 * Opens the catalog of a data directory; only one process at a time can.
 * Throws CONFLICT if another process has it, CATALOG_UNUSABLE if the file cannot be used.
 */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const dataDir = resolve(options.dataDir)
  await makeDirectory(dataDir)
  const file = join(dataDir, 'catalog.db')
  const lock = lockCatalog(join(dataDir, 'catalog.lock'))
  let db: CatalogDb | undefined
  try {
    const isUnchecked = isCheckedLater(file, options.maxCheckedAtOpen)
    db = openCatalogDatabase(file, options)
    return await openStores({ ...options, db, file, isUnchecked, release: lock.release })
  } catch (error) {
    await db?.$disconnect()
    lock.release()
    throw error
  }
}

async function makeDirectory(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir)
  } catch (cause) {
    throw new BackupdError(
      'CATALOG_UNUSABLE',
      `Cannot create the data directory ${dataDir}: ${messageOf(cause)}`,
      { cause },
    )
  }
}

interface OpenedDatabase extends CatalogOptions {
  db: CatalogDb
  file: string
  isUnchecked: boolean
  release(): void
}

/** Limits of the caches: backups or records in cached pages, and cached single records. */
const MAX_CACHED_ITEMS = 10_000
const MAX_CACHED_RECORDS = 1000

function createCaches(): Caches {
  return {
    backups: new AnswerCache<Slice<BackupInfo>>(
      ({ items }) => items.map(({ node }) => backupKey(node)),
      MAX_CACHED_ITEMS,
    ),
    records: new AnswerCache<Slice<RunRecord>>(
      ({ items }) => items.map(({ node }) => node.rid),
      MAX_CACHED_ITEMS,
    ),
    record: new AnswerCache<KeptRecord | undefined>(() => [], MAX_CACHED_RECORDS),
  }
}

/** @param change undefined: anything may have changed */
function forgetAnswers({ backups, records, record }: Caches, change: CatalogChange | undefined): void {
  if (!change || change.backups) backups.forget(change?.backups)
  if (change && !change.records) return
  records.forget(change?.records)
  record.forget(change?.records)
}

async function openStores(options: OpenedDatabase): Promise<Catalog> {
  const { db, file, copyDir, clock, log } = options
  const caches = createCaches()
  const writes = createWriteQueue({
    afterEach: (change) => forgetAnswers(caches, change),
    onDiskFull: () => options.onDiskFull?.(),
  })
  const numbers = await openEventNumbers(db, writes, log)
  const access = await openAccessMark({ db, writes, dataDir: dirname(file), log })
  const world = { db, numbers, writes, caches, clock, log }
  return {
    records: await openRecordStore(world),
    backups: createBackupStore(world),
    deletes: createDeleteStore(db, writes),
    servers: createServerStore(db, writes),
    health: createHealthStore(db, writes),
    alarms: createAlarmStore({ db, writes, clock, log }),
    notifications: createNotificationStore({ db, writes, log }),
    audit: await openAuditStore(db, writes),
    tokens: createTokenStore(db, writes),
    sessions: createSessionStore(db, writes),
    access,
    enrolmentMark: await openEnrolmentMark(db, writes),
    copier: createCopier({ file, copyDir, clock }),
    identity: await openIdentity(db, writes),
    ...watchFile(options, writes, numbers),
  }
}

function watchFile(
  { db, file, isUnchecked, release }: OpenedDatabase,
  writes: WriteQueue,
  numbers: EventNumbers,
): Pick<Catalog, 'checkPages' | 'close'> {
  let isStopped = false
  return {
    async checkPages(signal) {
      if (!isUnchecked) return
      try {
        await checkFileInProcess(file, signal)
      } catch (error) {
        if (error instanceof BackupdError) {
          isStopped = true
          writes.stop(error)
        }
        throw error
      }
    },
    async close() {
      await writes.idle()
      try {
        // The numbers reserved on disk are skipped then, as after a crash.
        if (!isStopped) await numbers.close()
      } finally {
        await db.$disconnect()
        release()
      }
    },
  }
}
