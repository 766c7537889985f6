import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isCheckedLater } from './check-file.ts'
import { toFileError } from './file-error.ts'
import { PrismaClient } from './generated/client.ts'
import { applyMigrations } from './migrate.ts'
import { sqliteInThreads } from './thread-adapter.ts'

export type CatalogDb = PrismaClient
/** The client inside a transaction. */
export type DbTransaction = Parameters<Parameters<CatalogDb['$transaction']>[0]>[0]

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))

export interface DatabaseOptions {
  log: Log
  clock: Clock
  /** The folder of migrations; default: ours. */
  migrations?: string
  /** Called once if a thread of the database ends on its own; all queries fail from then on. */
  onLost?: ((error: BackupdError) => void) | undefined
  /** Bytes; a larger file is only looked at here, and its pages are checked while it is in use. */
  maxCheckedAtOpen?: number
}

/**
 * As long as a timer can be, ms: Prisma would count the time in which this process itself was stopped. A transaction has
 * only statements in it, and each of them is answered, or its thread has ended.
 */
const MAX_TIMER_MS = 2 ** 31 - 1
const TIMEOUTS = { maxWait: MAX_TIMER_MS, timeout: MAX_TIMER_MS }

/**
 * Opens the database file or creates it; checks its pages, applies migrations, turns on the write-ahead log. The caller
 * must hold the lock. Throws CATALOG_UNUSABLE with the file and a solution; a damaged file is left untouched.
 */
export function openCatalogDatabase(file: string, options: DatabaseOptions): CatalogDb {
  try {
    prepare(file, options)
  } catch (error) {
    throw error instanceof BackupdError ? error : (toFileError(error, file) ?? error)
  }
  const adapter = sqliteInThreads({ file, onLost: options.onLost ?? (() => {}) })
  return new PrismaClient({ adapter, transactionOptions: TIMEOUTS, errorFormat: 'minimal' })
}

function prepare(file: string, options: DatabaseOptions): void {
  const { log, clock, migrations = MIGRATIONS, maxCheckedAtOpen } = options
  const isLarge = isCheckedLater(file, maxCheckedAtOpen)
  const database = new Database(file)
  try {
    if (isLarge) readSomePages(database)
    else checkAllPages(database)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    const applied = applyMigrations(database, {
      folder: migrations,
      clock,
      beforeFirst: (name) => copyBefore(database, name, log),
    })
    if (applied.length > 0) log.info({ file, applied }, 'The catalog is up to date')
  } finally {
    database.close()
  }
}

/** Reads every page once, so that damage is found before more is written. */
function checkAllPages(database: Database.Database): void {
  const found = database.pragma('quick_check(1)', { simple: true })
  if (found !== 'ok') throw Object.assign(new Error(String(found)), { code: 'SQLITE_CORRUPT' })
}

/** Reads the schema, and the first and the last row of each table. Throws if they are damaged. */
function readSomePages(database: Database.Database): void {
  const tables = database.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck()
  for (const name of tables.all()) {
    database.prepare(`SELECT * FROM "${name}" LIMIT 1`).get()
    database.prepare(`SELECT * FROM "${name}" ORDER BY rowid DESC LIMIT 1`).get()
  }
}

/** Makes a copy beside the file to go back to, because not every migration is atomic. */
function copyBefore(database: Database.Database, name: string, log: Log): void {
  const copy = `${database.name}.before-${name}`
  const part = `${copy}.part`
  rmSync(part, { force: true })
  try {
    database.prepare('VACUUM INTO ?').run(part)
    syncPath(part)
    renameSync(part, copy)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
  syncPath(dirname(copy))
  log.info({ copy }, `The catalog is copied to ${copy} before it is changed`)
}

/** Syncs a file, or the names in a folder. */
function syncPath(path: string): void {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
