import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ControllerBond } from '../../src/daemon/controller-bond.ts'
import { ControllerMemory } from '../../src/daemon/memory/controller-memory.ts'
import { openDaemonDatabase } from '../../src/daemon/memory/database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempDir } from '../support/temp-dir.ts'

const MINUTE = 60_000
const FIRST = { id: 'a'.repeat(32), url: 'http://10.0.0.9:9002' }

test('a controller is remembered across a restart, and forgotten after its release', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const open = () => {
    const bond = new ControllerBond(new ControllerMemory(db), {
      problems: new Problems(systemClock),
      log: silentLog,
      clock: systemClock,
    })
    onTestFinished(() => bond.close())
    return bond
  }
  open().accept({ controller: FIRST, takeOver: false })
  const other = { controller: { ...FIRST, id: 'b'.repeat(32) }, takeOver: false }
  expect(() => open().accept(other)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  expect(open().controller).toEqual(FIRST)
  open().release()
  expect(open().controller).toBeUndefined()
})

test('a controller that could not be stored is not known, and its next list is', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const memory = new ControllerMemory(db)
  const bond = new ControllerBond(memory, {
    problems: new Problems(systemClock),
    log: silentLog,
    clock: systemClock,
  })
  onTestFinished(() => bond.close())
  db.pragma('query_only = true')
  expect(() => bond.accept({ controller: FIRST, takeOver: false })).toThrow('readonly')
  expect(bond.controller).toBeUndefined()
  db.pragma('query_only = false')
  bond.accept({ controller: FIRST, takeOver: false })
  expect(memory.load()).toEqual(FIRST)
  db.pragma('query_only = true')
  expect(() => bond.release()).toThrow('readonly')
  expect(bond.controller).toEqual(FIRST)
})

test('a refused controller is a problem until it was silent for five minutes', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const clock = handClock()
  const problems = new Problems(clock)
  const bond = new ControllerBond(new ControllerMemory(db), { problems, log: silentLog, clock })
  bond.accept({ controller: FIRST, takeOver: false })
  const refuse = () =>
    expect(() => bond.accept({ controller: undefined, takeOver: false })).toThrow(
      'Cannot accept a list of jobs',
    )
  refuse()
  clock.move(4 * MINUTE)
  refuse()
  clock.move(4 * MINUTE)
  expect(problems.list()).toMatchObject([{ source: 'controller' }])
  clock.move(MINUTE)
  expect(problems.list()).toEqual([])
})

test('a refused controller is no problem any more when it takes over', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const problems = new Problems(systemClock)
  const bond = new ControllerBond(new ControllerMemory(db), { problems, log: silentLog, clock: systemClock })
  onTestFinished(() => bond.close())
  const other = { ...FIRST, id: 'b'.repeat(32) }
  bond.accept({ controller: FIRST, takeOver: false })
  expect(() => bond.accept({ controller: other, takeOver: false })).toThrow('Cannot accept')
  expect(problems.list()).toHaveLength(1)
  bond.accept({ controller: other, takeOver: true })
  expect(problems.list()).toEqual([])
})

test('a controller that moved is remembered at its new address, and took nothing over', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const memory = new ControllerMemory(db)
  const log = keepingLog()
  const { lines } = log
  const bond = new ControllerBond(memory, { problems: new Problems(systemClock), log, clock: systemClock })
  onTestFinished(() => bond.close())
  const moved = { ...FIRST, url: 'http://10.0.0.10:9002' }
  bond.accept({ controller: FIRST, takeOver: false })
  bond.accept({ controller: moved, takeOver: false })
  expect([memory.load(), lines]).toEqual([moved, []])
  db.pragma('query_only = true')
  bond.accept({ controller: moved, takeOver: false })
  db.pragma('query_only = false')
  bond.accept({ controller: { ...moved, id: 'b'.repeat(32) }, takeOver: true })
  expect(JSON.stringify(lines)).toContain('took this daemon over')
})
