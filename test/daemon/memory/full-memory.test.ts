import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createDaemonMemory } from '../../../src/daemon/memory/daemon-memory.ts'
import { openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { sampleRun } from '../../support/daemon-kit.ts'
import { silentLog } from '../../support/silent-log.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** A memory whose file cannot grow until `makesRoom` is asked to make room, if it does. */
function fullMemory(makesRoom: boolean) {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const told: RunRecord[] = []
  let asked = 0
  const memory = createDaemonMemory(db, systemClock, {
    kept: (records) => void told.push(...records),
    progressed() {},
    diskFull() {
      asked++
      if (makesRoom) db.pragma('max_page_count = 100000')
    },
  })
  db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`)
  return { db, memory, told, asked: () => asked }
}

const large = () => sampleRun().at('partial', { warnings: ['x'.repeat(200_000)] })

test('a commit without room is repeated after the reserve was given up, and reported once', async () => {
  const { memory, told, asked } = fullMemory(true)
  const record = large()
  await memory.keep([record])
  expect(asked()).toBe(1)
  expect(memory.find(record.rid)).toEqual(record)
  expect(told).toEqual([record])
})

test('a commit without any room fails, changes nothing and reports nothing', async () => {
  const { memory, told, asked } = fullMemory(false)
  const record = large()
  await expect(memory.keep([record])).rejects.toMatchObject({ code: 'SQLITE_FULL' })
  expect(asked()).toBe(1)
  expect(memory.find(record.rid)).toBeUndefined()
  expect(told).toEqual([])
})

test('an error that room would not fix is not repeated', () => {
  const { memory, asked } = fullMemory(true)
  expect(() => memory.saveSleep(Symbol('no text') as never, true)).toThrow()
  expect(asked()).toBe(0)
})

test('another error of the database takes no reserve, and is not repeated', async () => {
  const { db, memory, asked } = fullMemory(true)
  db.pragma('max_page_count = 100000')
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'refused'); END")
  await expect(memory.keep([sampleRun().at('success')])).rejects.toMatchObject({
    code: 'SQLITE_CONSTRAINT_TRIGGER',
  })
  expect(asked()).toBe(0)
})
