import Database from 'better-sqlite3'
import { BackupdError, errnoOf } from '../lib/errors.ts'

/**
 * Holds `file` for this process until release() or its end, however it ends: the kernel keeps the lock, through
 * an open SQLite transaction. Two processes that write one catalog would number events twice.
 * Throws CONFLICT, naming the process that has it.
 */
export function lockCatalog(file: string): { release(): void } {
  const lock = new Database(file, { timeout: 0 })
  try {
    lock.pragma(`user_version = ${process.pid}`)
    lock.exec('BEGIN IMMEDIATE')
  } catch (cause) {
    const refusal = refusalOf(lock, file, cause)
    lock.close()
    throw refusal
  }
  return { release: () => void lock.close() }
}

function refusalOf(lock: Database.Database, file: string, cause: unknown): unknown {
  if (errnoOf(cause) !== 'SQLITE_BUSY') return cause
  const holder = lock.pragma('user_version', { simple: true })
  const message = `The catalog is in use by process ${holder} (it holds ${file}): stop that one first, or use another --data directory`
  return new BackupdError('CONFLICT', message, { cause })
}
