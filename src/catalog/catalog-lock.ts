import Database from 'better-sqlite3'
import { BackupdError, errnoOf } from '../lib/errors.ts'
import { toFileError } from './file-error.ts'

/**
 * Locks `file` until release() or the end of this process, even a crash: an open SQLite transaction holds a kernel
 * lock. Two processes that write to one catalog would use event numbers twice.
 * Throws CONFLICT that names the process that has the lock, CATALOG_UNUSABLE if the file of the lock cannot be used.
 */
export function lockCatalog(file: string): { release(): void } {
  const lock = new Database(file, { timeout: 0 })
  try {
    lock.pragma(`user_version = ${process.pid}`)
    lock.exec('BEGIN IMMEDIATE')
  } catch (cause) {
    const refusal = makeLockError(lock, file, cause)
    lock.close()
    throw refusal
  }
  return { release: () => void lock.close() }
}

function makeLockError(lock: Database.Database, file: string, cause: unknown): unknown {
  const errno = errnoOf(cause)
  if (errno === 'SQLITE_NOTADB' || errno === 'SQLITE_CORRUPT') return makeDamagedError(file, cause)
  if (errno !== 'SQLITE_BUSY') return toFileError(cause, file) ?? cause
  const holder = lock.pragma('user_version', { simple: true })
  const message = `The catalog is in use by process ${holder}, which has locked ${file}. Stop that process first, or use another --data directory`
  return new BackupdError('CONFLICT', message, { cause })
}

function makeDamagedError(file: string, cause: unknown): BackupdError {
  const message = `Cannot lock the catalog: ${file} is damaged. It has nothing but the lock: delete it while no controller runs on this directory`
  return new BackupdError('CATALOG_UNUSABLE', message, { cause })
}
