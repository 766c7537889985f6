import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type {
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlQueryable,
  Transaction,
} from '@prisma/driver-adapter-utils'
import { toFileError } from './file-error.ts'

/** How long queries may run before timers and sockets get their turn. */
const MAX_BLOCKING_MS = 5

const CONNECTION_PRAGMAS = 'PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;'

/**
 * Adds to Prisma's SQLite adapter what it lacks:
 * - SQLite answers synchronously, so a chain of awaits would starve the event loop: it gets a turn every 5 ms.
 * - All queries share one connection, so other queries would run inside an open transaction: they wait for its end.
 * - Every commit is flushed to disk, on every connection.
 * - A COMMIT that fails (disk full) does not leave a transaction open.
 * - Errors of the file become CATALOG_UNUSABLE.
 */
export function oneAtATime(factory: SqlDriverAdapterFactory, file: string): SqlDriverAdapterFactory {
  const { provider, adapterName } = factory
  return {
    provider,
    adapterName,
    async connect() {
      const adapter = await factory.connect()
      await adapter.executeScript(CONNECTION_PRAGMAS)
      return guard(adapter, file)
    },
  }
}

function guard(adapter: SqlDriverAdapter, file: string): SqlDriverAdapter {
  const gate = createGate()
  const turn = createTurn()
  const outside: Calling = (call) =>
    turn()
      .then(() => gate.outside(call))
      .catch(rethrow(file))
  const inside: Calling = (call) => turn().then(call).catch(rethrow(file))
  return {
    ...wrapQueries(adapter, outside),
    executeScript: (script) => outside(() => adapter.executeScript(script)),
    startTransaction: async (level) => {
      const leave = await gate.enter()
      try {
        return guardTransaction(await adapter.startTransaction(level), inside, leave)
      } catch (error) {
        leave()
        throw error
      }
    },
    dispose: () => adapter.dispose(),
  }
}

/** Wraps a call to the adapter. */
type Calling = <T>(call: () => Promise<T>) => Promise<T>

function wrapQueries(adapter: SqlQueryable, calling: Calling): SqlQueryable {
  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    queryRaw: (query) => calling(() => adapter.queryRaw(query)),
    executeRaw: (query) => calling(() => adapter.executeRaw(query)),
  }
}

function guardTransaction(transaction: Transaction, inside: Calling, leave: () => void): Transaction {
  const queries = wrapQueries(transaction, inside)
  return {
    ...queries,
    options: transaction.options,
    executeRaw: (query) =>
      isEnd(query) ? inside(() => end(transaction, query, leave)) : queries.executeRaw(query),
    commit: () => transaction.commit().finally(leave),
    rollback: () => transaction.rollback().finally(leave),
  }
}

function isEnd({ sql }: SqlQuery): boolean {
  return sql === 'COMMIT' || sql === 'ROLLBACK'
}

/** If COMMIT fails, SQLite may have rolled back on its own or still have the transaction open: rolls back. */
async function end(transaction: Transaction, query: SqlQuery, leave: () => void): Promise<number> {
  try {
    return await transaction.executeRaw(query)
  } catch (error) {
    if (query.sql === 'ROLLBACK') return 0
    await transaction.executeRaw({ ...query, sql: 'ROLLBACK' }).catch(() => {})
    await transaction.rollback()
    leave()
    throw error
  }
}

function rethrow(file: string): (error: unknown) => never {
  return (error) => {
    throw toFileError(error, file) ?? error
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

/** Gives the event loop a turn if the last one was too long ago. */
function createTurn(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < MAX_BLOCKING_MS) return
    await eventLoopTurn()
    last = performance.now()
  }
}
