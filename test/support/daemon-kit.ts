import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { newRid } from '../../src/wire/ids.ts'
import { isTerminal, type Progress, type RecordState, type RunRecord } from '../../src/wire/record.ts'

/** A directory of its own, removed after the test. */
export function temporaryDir(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'backupd-daemon-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface LogLine {
  level: 'info' | 'warn' | 'error'
  facts: object
  message: string
}

/** Keeps the lines of the log. */
export function keptLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const say = (level: LogLine['level']) => (facts: object, message: string) =>
    void lines.push({ level, facts, message })
  return { lines, info: say('info'), warn: say('warn'), error: say('error') }
}

/** A wall clock that stands still until it is moved. */
export function movedClock(start = Date.UTC(2026, 10, 23, 9, 0, 0)): Clock & { move(ms: number): void } {
  let now = start
  return {
    ...systemClock,
    now: () => now,
    move: (ms) => {
      now += ms
    },
  }
}

/** A run as the engine would report it; `at` makes the next versions of the same run. */
export function sampleRun(about: Partial<RunRecord> = {}): {
  rid: string
  at(state: RecordState, more?: Partial<RunRecord>): RunRecord
} {
  const rid = about.rid ?? newRid(Date.UTC(2026, 10, 23, 9, 0, 0))
  let seq = 0
  return {
    rid,
    at(state, more = {}) {
      seq += 1
      const ended = isTerminal(state)
      return { ...BLANK, end: ended ? '2026-11-23T09:00:07.000Z' : null, ...about, rid, seq, state, ...more }
    },
  }
}

export function someProgress(bytesDone: number): Progress {
  return {
    phase: 'pack',
    bytesDone,
    bytesTotal: null,
    filesDone: 0,
    filesTotal: null,
    currentPath: null,
    bytesPerSecond: null,
    etaSeconds: null,
  }
}

const BLANK: RunRecord = {
  rid: '',
  seq: 0,
  attempt: 1,
  server: '127.0.0.1',
  jobId: 'j1',
  spec: '0 5 * * *',
  action: 'backup',
  args: {},
  type: 'cron',
  state: 'queued',
  start: '2026-11-23T09:00:00.000Z',
  end: null,
  reason: '',
  error: null,
  warnings: [],
  warningCount: 0,
  result: null,
  progress: null,
}
