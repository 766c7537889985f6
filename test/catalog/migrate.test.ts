import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { applyMigrations } from '../../src/catalog/migrate.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { tempFolder } from '../support/temp-catalog.ts'

async function lab() {
  const folder = await tempFolder()
  const database = new Database(join(folder, 'x.db'))
  onTestFinished(() => void database.close())
  const before: string[] = []
  return {
    database,
    before,
    write: async (name: string, sql: string) => {
      await mkdir(join(folder, 'migrations', name), { recursive: true })
      await writeFile(join(folder, 'migrations', name, 'migration.sql'), sql)
    },
    run: () =>
      applyMigrations(database, {
        clock: systemClock,
        folder: join(folder, 'migrations'),
        beforeFirst: (name) => before.push(name),
      }),
    tables: () =>
      database
        .prepare(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
        )
        .pluck()
        .all(),
  }
}

test('applies new migrations once, in order', async () => {
  const { write, run, tables, before } = await lab()
  await write('20260102000000_two', 'CREATE TABLE two (x); INSERT INTO two SELECT * FROM one')
  await write('20260101000000_one', 'CREATE TABLE one (x)')
  expect(run()).toEqual(['20260101000000_one', '20260102000000_two'])
  expect(before).toEqual([])
  expect(run()).toEqual([])
  await write('20260103000000_three', 'PRAGMA foreign_keys=OFF; CREATE TABLE three (x)')
  expect(run()).toEqual(['20260103000000_three'])
  expect(before).toEqual(['20260103000000_three'])
  expect(tables()).toEqual(['one', 'three', 'two'])
})

test('a failed migration leaves no changes', async () => {
  const { write, run, tables } = await lab()
  await write('1_bad', 'CREATE TABLE one (x); CREATE TABLE one (x)')
  expect(run).toThrow('already exists')
  expect(tables()).toEqual([])
  await write('1_bad', 'CREATE TABLE one (x)')
  expect(run()).toEqual(['1_bad'])
})

test('a migration that cannot be atomic reports at the next start that it stopped half way', async () => {
  const { write, run } = await lab()
  await write('1_bad', 'PRAGMA foreign_keys=OFF;\nCREATE TABLE one (x); CREATE TABLE one (x)')
  expect(run).toThrow('already exists')
  expect(run).toThrow(/"1_bad" stopped half way. Replace the file by the copy/)
})

test('a migration that was changed after it was applied is refused', async () => {
  const { write, run } = await lab()
  await write('1_one', 'CREATE TABLE one (x)')
  run()
  await write('1_one', 'CREATE TABLE one (y)')
  expect(run).toThrow(/"1_one" is not the one that was applied/)
})

test('a database of a newer release is refused', async () => {
  const { database, write, run } = await lab()
  await write('1_one', 'CREATE TABLE one (x)')
  run()
  database.exec("UPDATE _prisma_migrations SET migration_name = '9_future'")
  expect(run).toThrow(/"9_future" was made by a newer backupd/)
})

test('the migrations are named by time and produce the schema', async () => {
  const names = await readdir(new URL('../../prisma/migrations/sqlite', import.meta.url))
  expect(names.every((name) => /^\d{14}_[a-z0-9_]+$/.test(name))).toBe(true)
})
