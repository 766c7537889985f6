import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import { SqlConnection } from '../../src/catalog/sql-connection.ts'
import { SqlThread } from '../../src/catalog/sql-thread.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-catalog.ts'

async function tempThread(): Promise<SqlThread> {
  const thread = new SqlThread({ file: join(await tempFolder(), 'a.db'), readonly: false }, () => {})
  onTestFinished(() => thread.close())
  return thread
}

test('large numbers, bytes, texts and null pass between the threads unchanged', async () => {
  const thread = await tempThread()
  await thread.runScript('CREATE TABLE t (n BIGINT, b BLOB, s TEXT, r REAL)')
  const bytes = new Uint8Array([0, 1, 255])
  await thread.write('INSERT INTO t VALUES (?, ?, ?, ?)', [2n ** 62n, bytes, 'ä\0\u{1f600}', 1.5])
  await thread.write('INSERT INTO t VALUES (?, ?, ?, ?)', [7, null, null, null])
  expect(await thread.read('SELECT * FROM t', [])).toMatchObject({
    columnNames: ['n', 'b', 's', 'r'],
    rows: [
      [(2n ** 62n).toString(), bytes, 'ä\0\u{1f600}', 1.5],
      [7, null, null, null],
    ],
  })
})

test('an error keeps code and message of SQLite', async () => {
  const thread = await tempThread()
  await thread.runScript('CREATE TABLE t (n INTEGER PRIMARY KEY)')
  await thread.write('INSERT INTO t VALUES (1)', [])
  await expect(thread.write('INSERT INTO t VALUES (1)', [])).rejects.toMatchObject({
    cause: {
      originalCode: 'SQLITE_CONSTRAINT_PRIMARYKEY',
      originalMessage: 'UNIQUE constraint failed: t.n',
      kind: 'UniqueConstraintViolation',
      constraint: { fields: ['n'] },
    },
  })
})

test('requests are answered in their order, also those made before the end', async () => {
  const thread = await tempThread()
  const made = [thread.runScript('CREATE TABLE t (n)'), thread.write('INSERT INTO t VALUES (1), (2)', [])]
  const read = thread.read('SELECT n FROM t', [])
  await thread.close()
  expect(await Promise.all(made)).toEqual([undefined, 2])
  expect((await read).rows).toEqual([[1], [2]])
})

test('a thread that ends on its own fails every request, and says so once', async () => {
  const lost: Error[] = []
  const entry = new URL('../programs/exiting-thread.ts', import.meta.url)
  const thread = new SqlThread({ file: 'a.db', readonly: false }, (error) => lost.push(error), entry)
  const failed = {
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/a\.db.*code 7.*Restart the controller/),
  }
  const requests = [thread.read('SELECT 1', []), thread.write('SELECT 2', [])]
  for (const request of requests) await expect(request).rejects.toMatchObject(failed)
  await expect(thread.runScript('SELECT 3')).rejects.toMatchObject(failed)
  await thread.close()
  expect(lost).toEqual([expect.objectContaining(failed)])
})

test('a statement that was prepared before a change of its table reads the new columns', async () => {
  const connection = new SqlConnection(join(await tempFolder(), 'a.db'), false)
  onTestFinished(() => connection.close())
  connection.runScript('CREATE TABLE t (a TEXT); INSERT INTO t VALUES (1)')
  expect(connection.read('SELECT * FROM t', []).columnNames).toEqual(['a'])
  connection.write('ALTER TABLE t ADD COLUMN b TEXT', [])
  expect(connection.read('SELECT * FROM t', [])).toMatchObject({
    columnNames: ['a', 'b'],
    rows: [['1', null]],
  })
})

test('a list does not wait for an open transaction, and sees everything committed before', async () => {
  const db = openCatalogDatabase(join(await tempFolder(), 'catalog.db'), {
    log: silentLog,
    clock: systemClock,
  })
  onTestFinished(() => db.$disconnect())
  const goOn = Promise.withResolvers<void>()
  const inside = Promise.withResolvers<void>()
  const writing = db.$transaction(async (transaction) => {
    await transaction.meta.create({ data: { key: 'a', value: '' } })
    inside.resolve()
    await goOn.promise
  })
  await inside.promise
  expect(await db.meta.count()).toBe(0)
  goOn.resolve()
  await writing
  expect(await db.meta.count()).toBe(1)
})
