import type { SqlResultSet } from '@prisma/driver-adapter-utils'
import Database from 'better-sqlite3'
import { findColumnType, type SqlValue, toPrismaRow } from './sql-values.ts'

/** Limit of the characters of all prepared statements that are kept; each needs several bytes for one of them. */
const MAX_KEPT_LENGTH = 512 * 1024
/** Other statements may change what a prepared one reads. */
const IS_KEPT = /^\s*(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/i

type Statement = Database.Statement<SqlValue[], SqlValue[]>

/** One connection to a database file, with the statements it prepared. Blocks until SQLite has answered. */
export class SqlConnection {
  readonly #database: Database.Database
  /** By their SQL, the one used last at the end. */
  readonly #prepared = new Map<string, Statement>()
  #preparedLength = 0

  constructor(file: string, readonly: boolean) {
    this.#database = new Database(file, { readonly })
    this.#database.defaultSafeIntegers(true)
  }

  /** The rows of a statement; none if it does not return any. */
  read(sql: string, args: SqlValue[]): SqlResultSet {
    const statement = this.#prepare(sql)
    if (!statement.reader) {
      statement.run(args as never)
      return { columnNames: [], columnTypes: [], rows: [] }
    }
    const columns = statement.columns()
    const rows = statement.all(args as never)
    return {
      columnNames: columns.map(({ name }) => name),
      columnTypes: columns.map(({ type }, column) => findColumnType(type, column, rows)),
      rows: rows.map(toPrismaRow),
    }
  }

  /** @returns how many rows it changed */
  write(sql: string, args: SqlValue[]): number {
    return this.#prepare(sql).run(args as never).changes
  }

  runScript(script: string): void {
    this.#forgetPrepared()
    this.#database.exec(script)
  }

  close(): void {
    this.#database.close()
  }

  #prepare(sql: string): Statement {
    const known = this.#prepared.get(sql)
    if (known) {
      this.#prepared.delete(sql)
      this.#prepared.set(sql, known)
      return known
    }
    if (!IS_KEPT.test(sql)) this.#forgetPrepared()
    const statement = this.#database.prepare<SqlValue[], SqlValue[]>(sql)
    if (statement.reader) statement.raw()
    if (IS_KEPT.test(sql)) this.#keep(sql, statement)
    return statement
  }

  #keep(sql: string, statement: Statement): void {
    this.#prepared.set(sql, statement)
    this.#preparedLength += sql.length
    for (const oldest of this.#prepared.keys()) {
      if (this.#preparedLength <= MAX_KEPT_LENGTH) return
      this.#prepared.delete(oldest)
      this.#preparedLength -= oldest.length
    }
  }

  #forgetPrepared(): void {
    this.#prepared.clear()
    this.#preparedLength = 0
  }
}
