import { mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { type DaemonDb, openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { silentLog } from '../../support/silent-log.ts'
import { tempDir } from '../../support/temp-dir.ts'

function newFile(): string {
  return join(tempDir(), 'daemon.db')
}

function open(file: string): DaemonDb {
  const db = openDaemonDatabase(file, silentLog)
  onTestFinished(() => void db.close())
  return db
}

function setAside(file: string): string[] {
  const names = readdirSync(dirname(file)).filter((name) => name.includes('damaged-'))
  return names.map((name) => name.replace(/damaged-[0-9TZ]+/, 'damaged'))
}

/** The files that this process holds open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return []
    }
  })
}

test('the write-ahead log of a damaged database is set aside with it, even if somebody else reads it', () => {
  const file = newFile()
  const db = openDaemonDatabase(file, silentLog)
  db.exec("INSERT INTO facts VALUES ('version', 'v1')")
  const reader = new Database(file, { readonly: true })
  db.pragma('wal_checkpoint(FULL)')
  db.exec("INSERT INTO sleeping VALUES ('a')")
  expect(reader.prepare('SELECT count(*) FROM sleeping').pluck().get()).toBe(1)
  db.close()
  writeFileSync(file, 'no database at all, not even nearly\n'.repeat(100))
  const begun = open(file)
  reader.close()
  expect(setAside(file)).toEqual(expect.arrayContaining(['daemon.db.damaged', 'daemon.db.damaged-wal']))
  expect(begun.prepare('SELECT count(*) FROM facts').pluck().get()).toBe(0)
})

test('an unreadable file does not count as damaged', () => {
  const file = newFile()
  mkdirSync(file)
  expect(() => openDaemonDatabase(file, silentLog)).toThrow(
    expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
  )
  expect(setAside(file)).toEqual([])
  rmSync(file, { recursive: true })
  open(file)
})

test('a refused file is not held open', () => {
  const file = newFile()
  const db = openDaemonDatabase(file, silentLog)
  db.pragma('user_version = 99')
  db.close()
  expect(() => openDaemonDatabase(file, silentLog)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  expect(openFiles()).not.toContain(file)
})
