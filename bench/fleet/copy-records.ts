import Database from 'better-sqlite3'

/** Each copy of a record is that much older than the one before. */
const STEP_SECONDS = 420
/** The last digits of a rid say which copy it is. */
const RID_DIGITS = 38

/** Without safety: a crash only costs the benchmark. */
const QUICK = ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -400000']

/**
 * Adds older copies of the records in a closed catalog until it has that many, whatever its version; their backups are
 * not copied. This is much quicker than having the catalog write each one.
 * @returns how many it has then
 */
export function copyRecords(catalog: string, wanted: number): number {
  const database = new Database(catalog)
  try {
    for (const setting of QUICK) database.pragma(setting)
    const count = () => database.prepare<[], number>('SELECT COUNT(*) FROM Record').pluck().get() ?? 0
    const originals = count()
    database.exec('CREATE TEMP TABLE Original AS SELECT rid FROM Record')
    const tables = ['Record', 'RecordBody'].filter((table) => listColumns(database, table).length > 0)
    const copy = database.transaction((no: number, limit: number) => {
      for (const table of tables) database.prepare(printCopy(database, table)).run({ no, limit })
    })
    for (let no = 1; originals > 0 && no * originals < wanted; no++) copy(no, wanted - no * originals)
    return count()
  } finally {
    database.close()
  }
}

function listColumns(database: Database.Database, table: string): string[] {
  return database.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
}

function printCopy(database: Database.Database, table: string): string {
  const rid = `(substr(rid, 1, ${RID_DIGITS}) || printf('%04x', @no))`
  const time = `strftime('%Y-%m-%dT%H:%M:%fZ', substr(startKey, 1, 24), '-' || (@no * ${STEP_SECONDS}) || ' seconds')`
  const changed: Record<string, string> = {
    rid,
    startKey: `${time} || replace(substr(startKey, 25), rid, ${rid})`,
    json: `replace(json, rid, ${rid})`,
  }
  const columns = listColumns(database, table)
  const values = columns.map((name) => changed[name] ?? `"${name}"`)
  const names = columns.map((name) => `"${name}"`)
  return `INSERT OR IGNORE INTO "${table}" (${names.join(', ')}) SELECT ${values.join(', ')} FROM "${table}"
    WHERE rid IN (SELECT rid FROM Original LIMIT @limit)`
}
