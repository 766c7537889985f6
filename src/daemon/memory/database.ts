import { existsSync, renameSync } from 'node:fs'
import Database from 'better-sqlite3'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'

export type DaemonDb = Database.Database

/** Incremented with each change of TABLES; a file with a higher number was made by a newer backupd. */
const FORMAT = 1

const TABLES = `
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE sleeping (job_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE last_starts (job_id TEXT PRIMARY KEY, started INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE records (
    rid TEXT PRIMARY KEY, begun INTEGER NOT NULL, ended INTEGER NOT NULL, kept_at INTEGER NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX records_unfinished ON records (kept_at) WHERE ended = 0;
  CREATE INDEX records_by_age ON records (kept_at);
  CREATE TABLE news (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, modern INTEGER NOT NULL, legacy INTEGER NOT NULL,
    kept_at INTEGER NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX news_by_age ON news (kept_at);
  CREATE TABLE addresses (
    address TEXT PRIMARY KEY, protocol INTEGER NOT NULL, taken INTEGER NOT NULL, taken_at INTEGER, silent_since INTEGER
  ) STRICT;
`

/** Tables added later. An older backupd ignores them, so they do not change FORMAT. */
const LATER_TABLES = `
  CREATE TABLE IF NOT EXISTS failed_runs (key TEXT PRIMARY KEY, rid TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS log_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, rid TEXT NOT NULL, number INTEGER NOT NULL,
    at TEXT NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS log_lines_of_run ON log_lines (rid, number);
`

/**
 * Opens the daemon's memory. A damaged file is renamed and replaced by a new one, with an error in the log: the
 * controller sends the jobs again, and continuing backups matter more than the lost records.
 * Throws STORE_UNAVAILABLE if the file cannot be read or written, BAD_INPUT if a newer backupd made it.
 */
export function openDaemonDatabase(file: string, log: Log): DaemonDb {
  try {
    return openSound(file)
  } catch (error) {
    if (!isDamage(error)) throw makeOpenError(file, error)
    const aside = setDatabaseAside(file)
    log.error(
      { file, aside, problem: messageOf(error) },
      `The daemon's memory ${file} is damaged and was set aside as ${aside}. A new one is created: the controller sends the jobs again; records and news that no controller had received are lost`,
    )
    return openSound(file)
  }
}

function openSound(file: string): DaemonDb {
  const db = new Database(file)
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') throw new DatabaseDamage(String(verdict))
    makeTables(db, file)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function makeTables(db: DaemonDb, file: string): void {
  const format = Number(db.pragma('user_version', { simple: true }))
  if (format > FORMAT) {
    throw new BackupdError(
      'BAD_INPUT',
      `${file} was made by a newer backupd (format ${format}, expected at most ${FORMAT}). Start that one, or name another --data directory`,
    )
  }
  db.transaction(() => {
    if (format !== FORMAT) db.exec(TABLES)
    db.exec(LATER_TABLES)
    db.pragma(`user_version = ${FORMAT}`)
  })()
}

class DatabaseDamage extends Error {}

function isDamage(error: unknown): boolean {
  if (error instanceof DatabaseDamage) return true
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}

/** Renames the database together with its write-ahead log files, which are useless without each other. */
function setDatabaseAside(file: string): string {
  const aside = `${file}.damaged-${new Date().toISOString().replaceAll(/[^0-9TZ]/g, '')}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  }
  return aside
}

function makeOpenError(file: string, cause: unknown): BackupdError {
  if (cause instanceof BackupdError) return cause
  return new BackupdError(
    'STORE_UNAVAILABLE',
    `Cannot open the daemon's memory ${file}: ${messageOf(cause)}. Check its permissions and the free room on its disk`,
    { cause },
  )
}
