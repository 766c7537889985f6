import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { hasNoRoomBeside } from '../lib/room-probe.ts'

const DISK_FULL = 'cannot grow: its disk or quota is full'

const RESTORE_IT =
  'Nothing was overwritten. Restore a copy of the catalog, or move it away and start again: servers and backups come back with rebuildCatalog, the history of runs does not'

/** By the main code of the SQLite error: what is wrong with the file, and what to do. */
const ADVICE: Record<string, string> = {
  SQLITE_CORRUPT: `is damaged. ${RESTORE_IT}`,
  SQLITE_NOTADB: `is not a database. ${RESTORE_IT}`,
  SQLITE_FULL: `${DISK_FULL}. The catalog was not changed. Free some room`,
  SQLITE_IOERR:
    'cannot be read or written: its disk reports an error. The catalog was not changed. See the system log',
  SQLITE_READONLY:
    'cannot be written. Check its owner and permissions, and that its disk is mounted for writing',
  SQLITE_CANTOPEN: 'cannot be opened. Check that its directory exists, and its owner and permissions',
}

/**
 * CATALOG_UNUSABLE with a solution if the database file is the cause; otherwise undefined.
 * @param file named in the message; without it, the message says "The catalog database"
 */
export function toFileError(error: unknown, file?: string): BackupdError | undefined {
  const code = findSqliteCode(error)
  const kind = /^SQLITE_[A-Z]+/.exec(code ?? '')?.[0] ?? ''
  const isQuota = kind === 'SQLITE_IOERR' && file !== undefined && hasNoRoomBeside(file)
  const advice = ADVICE[isQuota ? 'SQLITE_FULL' : kind]
  if (advice === undefined) return undefined
  const message = `The catalog database ${file === undefined ? '' : `${file} `}${advice} (${messageOf(error)})`
  return new BackupdError('CATALOG_UNUSABLE', message, { facts: { sqlite: code ?? '' }, cause: error })
}

/** Whether a write failed for lack of room. Looks at the text, because Prisma wraps our error in its own. */
export function isDiskFull(error: unknown): boolean {
  return errnoOf(error) === 'CATALOG_UNUSABLE' && messageOf(error).includes(DISK_FULL)
}

/** better-sqlite3 sets `code`; the adapter wraps it as `cause.originalCode`. */
function findSqliteCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  if (typeof cause === 'object' && cause !== null && 'originalCode' in cause)
    return String(cause.originalCode)
  return errnoOf(error)
}
