import { closeSync, fsyncSync, openSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

/** Runs in a separate thread, because the copy blocks until it is done. `workerData` = { from, to }. */
const { from, to } = workerData as { from: string; to: string }

const database = new Database(from, { readonly: true, timeout: 60_000 })
try {
  database.prepare('VACUUM INTO ?').run(to)
} finally {
  database.close()
}
const handle = openSync(to, 'r')
fsyncSync(handle)
closeSync(handle)
