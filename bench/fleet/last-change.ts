import Database from 'better-sqlite3'

/**
 * The number of the newest change of state in a catalog that is in use. Each change is numbered as it is written, so that
 * the difference of two such numbers says how many were; a few numbers go to other changes, such as backups that were
 * listed.
 */
export function readLastChange(catalog: string): number {
  const database = new Database(catalog, { readonly: true })
  try {
    return database.prepare<[], number>('SELECT MAX(seq) FROM RecordEvent').pluck().get() ?? 0
  } finally {
    database.close()
  }
}
