import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createDaemonMemory } from '../../../src/daemon/memory/daemon-memory.ts'
import { type DaemonDb, openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { StoreMemory } from '../../../src/daemon/memory/store-memory.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { sampleBackup } from '../../support/catalog-samples.ts'
import { sampleRun } from '../../support/daemon-kit.ts'
import { silentLog } from '../../support/silent-log.ts'
import { tempDir } from '../../support/temp-dir.ts'

const IP = '127.0.0.1'
const ID = 'a'.repeat(32)

let db: DaemonDb
beforeEach(() => {
  db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
})

function made(mode: 'full' | 'increment', about: Partial<RunRecord> = {}): RunRecord {
  return sampleRun(about).at('success', { result: { backup: sampleBackup({ mode }) } })
}

test('a database remembers what was made in a store, each kind separately', () => {
  const stores = new StoreMemory(db, IP)
  stores.noteClaim(ID, false)
  stores.noteResults([sampleRun().at('failed'), made('full', { action: 'backup_recover' })])
  expect(stores.known).toEqual({ id: ID, madeArchives: false, madeSnapshots: false })
  stores.noteResults([made('increment')])
  expect(new StoreMemory(db, IP).known).toEqual({ id: ID, madeArchives: false, madeSnapshots: true })
  stores.noteResults([made('full')])
  expect(new StoreMemory(db, IP).known).toEqual({ id: ID, madeArchives: true, madeSnapshots: true })
  stores.forgetSnapshots()
  expect(new StoreMemory(db, IP).known).toEqual({ id: ID, madeArchives: true, madeSnapshots: false })
})

test('starting over with another store forgets what was made in the previous one', () => {
  const stores = new StoreMemory(db, IP)
  stores.noteClaim(ID, false)
  stores.noteResults([made('full'), made('increment')])
  stores.noteClaim(ID, false)
  expect(stores.known).toMatchObject({ madeArchives: true, madeSnapshots: true })
  stores.noteClaim('b'.repeat(32), true)
  expect(new StoreMemory(db, IP).known).toEqual({
    id: 'b'.repeat(32),
    madeArchives: false,
    madeSnapshots: false,
  })
})

test('each store that the daemon used is remembered separately', () => {
  new StoreMemory(db, IP).noteClaim(ID, false)
  expect(new StoreMemory(db, '127.0.0.2').known.id).toBeNull()
})

test('a database from before store ids knows by its records what was made', async () => {
  const memory = createDaemonMemory(db, systemClock, { kept() {}, progressed() {} })
  await memory.keep([made('increment', { server: '10.0.0.9' })])
  expect(new StoreMemory(db, IP).known.madeSnapshots).toBe(false)
  await memory.keep([made('increment', { server: IP, rid: `1795425846${'c'.repeat(32)}` })])
  expect(new StoreMemory(db, IP).known).toEqual({ id: null, madeArchives: false, madeSnapshots: true })
})

test('what is known already is not written again', () => {
  const stores = new StoreMemory(db, IP)
  stores.noteResults([made('full'), made('increment')])
  db.pragma('query_only = true')
  stores.noteResults([made('full'), made('increment')])
  expect(stores.known).toMatchObject({ madeArchives: true, madeSnapshots: true })
})
