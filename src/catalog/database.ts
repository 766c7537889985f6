import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import Database from 'better-sqlite3'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { fileErrorOf } from './file-error.ts'
import { PrismaClient } from './generated/client.ts'
import { migrate } from './migrate.ts'
import { oneAtATime } from './one-at-a-time.ts'

export type Db = PrismaClient
/** What runs inside a transaction. */
export type DbTransaction = Parameters<Parameters<Db['$transaction']>[0]>[0]

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/sqlite', import.meta.url))
/** A transaction waits behind others and may be long; both in ms. */
const PATIENCE = { maxWait: 60_000, timeout: 60_000 }

/**
 * Opens the database file, made where there is none: checked through, brought up to date, write-ahead log on.
 * The caller holds the lock. Throws CATALOG_UNUSABLE with file and way out; a damaged file is left as it is.
 */
export function openDatabase(file: string, log: Log, migrations = MIGRATIONS): Db {
  try {
    prepare(file, log, migrations)
  } catch (error) {
    throw error instanceof BackupdError ? error : (fileErrorOf(error, file) ?? error)
  }
  const adapter = oneAtATime(new PrismaBetterSqlite3({ url: `file:${file}` }), file)
  return new PrismaClient({ adapter, transactionOptions: PATIENCE, errorFormat: 'minimal' })
}

function prepare(file: string, log: Log, migrations: string): void {
  const database = new Database(file)
  try {
    checkThrough(database)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    const applied = migrate(database, {
      folder: migrations,
      beforeFirst: (name) => copyBefore(database, name, log),
    })
    if (applied.length > 0) log.info({ file, applied }, 'The catalog is up to date')
  } finally {
    database.close()
  }
}

/** Reads every page once (about 1 s per GiB); damage found now is cheaper than damage written on. */
function checkThrough(database: Database.Database): void {
  const found = database.pragma('quick_check(1)', { simple: true })
  if (found !== 'ok') throw Object.assign(new Error(String(found)), { code: 'SQLITE_CORRUPT' })
}

/** Not every change is atomic, so that the way back is a copy beside the file. */
function copyBefore(database: Database.Database, name: string, log: Log): void {
  const copy = `${database.name}.before-${name}`
  const part = `${copy}.part`
  rmSync(part, { force: true })
  database.prepare('VACUUM INTO ?').run(part)
  syncFile(part)
  renameSync(part, copy)
  log.info({ copy }, `The catalog is copied to ${copy} before it is changed`)
}

function syncFile(file: string): void {
  const handle = openSync(file, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
