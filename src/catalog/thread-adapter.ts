import {
  DriverAdapterError,
  type IsolationLevel,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
  type SqlQuery,
  type SqlQueryable,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import type { BackupdError } from '../lib/errors.ts'
import { toFileError } from './file-error.ts'
import { SqlThread } from './sql-thread.ts'
import { type SqlValue, toSqlValue } from './sql-values.ts'

const NAMES = { provider: 'sqlite', adapterName: 'backupd-sqlite-thread' } as const
const WRITER_PRAGMAS = 'PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;'
const READER_PRAGMAS = 'PRAGMA busy_timeout = 5000;'
/** What the second connection may answer: nothing else is sure to change nothing. */
const IS_READ = /^\s*SELECT\b/i

export interface ThreadAdapterOptions {
  file: string
  /** Called once if a thread of the database ends on its own; all queries fail from then on. */
  onLost(error: BackupdError): void
}

/**
 * Prisma's adapter for a SQLite file in write-ahead mode, whose connections live in threads:
 * - One writes, one statement at a time. While it has a transaction open, others wait for its end.
 * - One reads outside transactions, so that a list does not wait for a commit. It sees everything committed before.
 * - Every commit is flushed to disk. A COMMIT that fails (disk full) does not leave a transaction open.
 * - Errors of the file become CATALOG_UNUSABLE.
 */
export function sqliteInThreads(options: ThreadAdapterOptions): SqlDriverAdapterFactory {
  return {
    ...NAMES,
    async connect() {
      const { file, onLost } = options
      const writer = new SqlThread({ file, readonly: false }, onLost)
      const reader = new SqlThread({ file, readonly: true }, onLost)
      try {
        await writer.runScript(WRITER_PRAGMAS)
        await reader.runScript(READER_PRAGMAS)
        return new ThreadAdapter(file, writer, reader)
      } catch (error) {
        await closeBoth(writer, reader)
        throw toFileError(error, file) ?? error
      }
    },
  }
}

/** The reader first, because only a connection that may write can tidy up the write-ahead log. */
async function closeBoth(writer: SqlThread, reader: SqlThread): Promise<void> {
  await reader.close()
  await writer.close()
}

class ThreadAdapter implements SqlDriverAdapter {
  readonly provider = NAMES.provider
  readonly adapterName = NAMES.adapterName
  readonly #file: string
  readonly #writer: SqlThread
  readonly #reader: SqlThread
  readonly #gate = createGate()

  constructor(file: string, writer: SqlThread, reader: SqlThread) {
    this.#file = file
    this.#writer = writer
    this.#reader = reader
  }

  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    if (IS_READ.test(query.sql)) return this.#named(this.#reader.read(query.sql, listValues(query)))
    return this.#outside(() => this.#writer.read(query.sql, listValues(query)))
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return this.#outside(() => this.#writer.write(query.sql, listValues(query)))
  }

  executeScript(script: string): Promise<void> {
    return this.#outside(() => this.#writer.runScript(script))
  }

  async startTransaction(level?: IsolationLevel): Promise<Transaction> {
    if (level && level !== 'SERIALIZABLE')
      throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level })
    const leave = await this.#gate.enter()
    try {
      await this.#named(this.#writer.write('BEGIN', []))
      return makeTransaction(this.#writer, (work) => this.#named(work), leave)
    } catch (error) {
      leave()
      throw error
    }
  }

  dispose(): Promise<void> {
    return closeBoth(this.#writer, this.#reader)
  }

  #outside<T>(call: () => Promise<T>): Promise<T> {
    return this.#named(this.#gate.outside(call))
  }

  /** Replaces an error of the file by one that names it. */
  async #named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw toFileError(error, this.#file) ?? error
    }
  }
}

function listValues({ args, argTypes }: SqlQuery): SqlValue[] {
  return args.map((arg, n) => toSqlValue(arg, argTypes[n] ?? { scalarType: 'unknown', arity: 'scalar' }))
}

/** @param leave lets others use the connection; may be called twice */
function makeTransaction(
  writer: SqlThread,
  named: <T>(work: Promise<T>) => Promise<T>,
  leave: () => void,
): Transaction {
  const queries: SqlQueryable = {
    ...NAMES,
    queryRaw: (query) => named(writer.read(query.sql, listValues(query))),
    executeRaw: (query) => named(execute(writer, query, leave)),
  }
  const run = async (sql: string) => void (await named(writer.write(sql, [])))
  return {
    ...queries,
    // Prisma sends COMMIT and ROLLBACK as queries, and calls commit() or rollback() after them.
    options: { usePhantomQuery: false },
    commit: async () => leave(),
    rollback: async () => leave(),
    createSavepoint: (name) => run(`SAVEPOINT ${name}`),
    rollbackToSavepoint: (name) => run(`ROLLBACK TO ${name}`),
    releaseSavepoint: (name) => run(`RELEASE SAVEPOINT ${name}`),
  }
}

/** If COMMIT fails, SQLite may have rolled back on its own or still have the transaction open: rolls back. */
async function execute(writer: SqlThread, query: SqlQuery, leave: () => void): Promise<number> {
  try {
    return await writer.write(query.sql, listValues(query))
  } catch (error) {
    if (query.sql === 'ROLLBACK') return 0
    if (query.sql !== 'COMMIT') throw error
    await writer.write('ROLLBACK', []).catch(() => {})
    leave()
    throw error
  }
}

/** Admits one transaction at a time. Calls from outside wait until none is open, and run before the next one opens. */
function createGate() {
  let inside: Promise<void> | undefined
  return {
    async outside<T>(call: () => Promise<T>): Promise<T> {
      while (inside) await inside
      return await call()
    },
    async enter(): Promise<() => void> {
      while (inside) await inside
      const { promise, resolve } = Promise.withResolvers<void>()
      inside = promise
      return () => {
        if (inside === promise) inside = undefined
        resolve()
      }
    },
  }
}
