import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDaemonDatabase } from '../../src/daemon/memory/database.ts'
import { SchedulerSwitch } from '../../src/daemon/scheduler-switch.ts'
import { keptLog } from '../support/daemon-kit.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempDir } from '../support/temp-dir.ts'

test('a stopped or started scheduler stays so across restarts', () => {
  const file = join(tempDir(), 'daemon.db')
  /** What the scheduler was told during a life of the daemon. */
  const life = (act: (it: SchedulerSwitch) => void) => {
    const db = openDaemonDatabase(file, silentLog)
    const told: string[] = []
    const log = keptLog()
    const engine = { start: () => void told.push('start'), stop: () => void told.push('stop') }
    const scheduler = new SchedulerSwitch(engine, db, log)
    scheduler.resume()
    act(scheduler)
    db.close()
    return { told, warnings: log.lines.length }
  }
  expect(life(() => {})).toEqual({ told: ['start'], warnings: 0 })
  expect(life((it) => it.stop())).toEqual({ told: ['start', 'stop'], warnings: 0 })
  expect(life((it) => it.stop())).toEqual({ told: ['stop'], warnings: 1 })
  expect(life((it) => it.start())).toEqual({ told: ['start'], warnings: 1 })
  expect(life((it) => it.start())).toEqual({ told: ['start', 'start'], warnings: 0 })
})

test('a stop that cannot be stored is refused, because the next restart would end it', () => {
  const db = openDaemonDatabase(join(tempDir(), 'daemon.db'), silentLog)
  onTestFinished(() => void db.close())
  const told: string[] = []
  const engine = { start: () => void told.push('start'), stop: () => void told.push('stop') }
  const scheduler = new SchedulerSwitch(engine, db, silentLog)
  db.pragma('query_only = ON')
  expect(() => scheduler.stop()).toThrow()
  expect(told).toEqual([])
})
