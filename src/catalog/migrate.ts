import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import type { Clock } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'

/** The same table as Prisma's own migration history, so that Prisma's tools can read ours. */
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME,
  "migration_name" TEXT NOT NULL, "logs" TEXT, "rolled_back_at" DATETIME,
  "started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0)`

interface Migration {
  name: string
  sql: string
  /** Hex sha256 of the file. */
  checksum: string
}

interface Applied {
  migration_name: string
  checksum: string
  finished_at: number | null
}

export interface MigrationOptions {
  /** One folder per migration, `<yyyymmddhhmmss>_<name>/migration.sql`; applied in order of their names. */
  folder: string
  clock: Clock
  /** Called before the first change to a database that is not empty. */
  beforeFirst(name: string): void
}

/**
 * Applies the pending migrations of the folder and returns their names. Throws CATALOG_UNUSABLE if an applied one
 * failed half way earlier, has changed since, or is unknown here.
 */
export function applyMigrations(database: Database.Database, options: MigrationOptions): string[] {
  const all = readMigrations(options.folder)
  const applied = readHistory(database)
  checkHistory(database.name, all, applied)
  const done = new Set(applied.map((row) => row.migration_name))
  const pending = all.filter(({ name }) => !done.has(name))
  if (pending[0] && applied.length > 0) options.beforeFirst(pending[0].name)
  database.exec(CREATE_HISTORY)
  for (const migration of pending) apply(database, migration, options.clock)
  return pending.map(({ name }) => name)
}

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}

function readHistory(database: Database.Database): Applied[] {
  const table = database.prepare(`SELECT 1 FROM sqlite_master WHERE name = '_prisma_migrations'`).get()
  if (!table) return []
  const rows =
    'SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL'
  return database.prepare<[], Applied>(rows).all()
}

function checkHistory(file: string, all: Migration[], applied: Applied[]): void {
  const known = new Map(all.map((migration) => [migration.name, migration]))
  for (const row of applied) {
    const migration = known.get(row.migration_name)
    const step = `${file}: the change "${row.migration_name}"`
    if (!migration)
      throw unusable(`${step} was made by a newer backupd. Start that one, or restore an older copy`)
    if (row.finished_at === null) {
      throw unusable(
        `${step} stopped half way. Replace the file by the copy that was made before the change (${file}.before-…)`,
      )
    }
    if (row.checksum !== migration.checksum) {
      throw unusable(
        `${step} is not the one that was applied. Install the backupd release that made this catalog`,
      )
    }
  }
}

function unusable(message: string): BackupdError {
  return new BackupdError('CATALOG_UNUSABLE', message)
}

/**
 * Applies a migration in one transaction, unless it redefines tables: that needs a PRAGMA to turn foreign keys off,
 * which has no effect inside a transaction. Such a migration can stop half way, which the next start reports.
 */
function apply(database: Database.Database, migration: Migration, clock: Clock): void {
  const steps = () => runSteps(database, migration, clock)
  if (/^PRAGMA/m.test(migration.sql)) steps()
  else database.transaction(steps)()
}

function runSteps(database: Database.Database, { name, sql, checksum }: Migration, clock: Clock): void {
  const id = randomUUID()
  database
    .prepare(
      'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at) VALUES (?, ?, ?, ?)',
    )
    .run(id, checksum, name, clock.now())
  database.exec(sql)
  database
    .prepare('UPDATE "_prisma_migrations" SET finished_at = ?, applied_steps_count = 1 WHERE id = ?')
    .run(clock.now(), id)
}
