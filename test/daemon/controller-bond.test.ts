import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ControllerBond } from '../../src/daemon/controller-bond.ts'
import { ControllerMemory } from '../../src/daemon/memory/controller-memory.ts'
import { openDatabase } from '../../src/daemon/memory/database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Problems } from '../../src/lib/problems.ts'
import { tempDir } from '../support/temp-dir.ts'

const FIRST = { id: 'a'.repeat(32), url: 'http://10.0.0.9:9002' }

test('a controller is remembered across a restart, and forgotten after its release', () => {
  const db = openDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const open = () => {
    const bond = new ControllerBond(new ControllerMemory(db), {
      ...{ problems: new Problems(systemClock), log: silentLog },
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
