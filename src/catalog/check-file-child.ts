import { setPriority } from 'node:os'
import Database from 'better-sqlite3'
import { errnoOf, messageOf } from '../lib/errors.ts'

/** What the check of a file found: an error of SQLite if it is not sound. */
export type PageCheck = 'sound' | { code: string; message: string }

/** From `nice`: whoever uses the catalog goes first. */
const LOW_PRIORITY = 10

/** The entry of a process that reads all pages of the database named in its argument and prints a PageCheck. */
const [, , file = ''] = process.argv
setPriority(LOW_PRIORITY)
process.stdout.write(JSON.stringify(check()))

function check(): PageCheck {
  try {
    const database = new Database(file, { readonly: true, timeout: 60_000 })
    const found = String(database.pragma('quick_check(1)', { simple: true }))
    return found === 'ok' ? 'sound' : { code: 'SQLITE_CORRUPT', message: found }
  } catch (error) {
    return { code: errnoOf(error) ?? '', message: messageOf(error) }
  }
}
