import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createDaemonMemory } from '../../../src/daemon/memory/daemon-memory.ts'
import { openDaemonDatabase } from '../../../src/daemon/memory/database.ts'
import type { NewLogLine } from '../../../src/wire/run-log.ts'
import { keptLog, sampleRun, temporaryDir } from '../../support/daemon-kit.ts'
import { handClock } from '../../support/hand-clock.ts'

const DAY = 86_400_000

function open() {
  const dir = temporaryDir()
  onTestFinished(() => dir[Symbol.dispose]())
  const clock = handClock('2026-11-23T09:00:00Z')
  const start = () => {
    const db = openDaemonDatabase(join(dir.path, 'daemon.db'), keptLog())
    onTestFinished(() => void db.close())
    return { db, memory: createDaemonMemory(db, clock, { kept: () => {}, progressed: () => {} }) }
  }
  return { clock, start, ...start() }
}

const line = (text: string, at = '2026-11-23T09:00:00.000Z'): NewLogLine => ({ at, level: 'info', text })
const ALL = { after: 0, limit: 5000 }

test('lines are on disk with the next change of state, and otherwise after a second', async () => {
  const { clock, start, memory } = open()
  const run = sampleRun()
  const seen = () =>
    start()
      .memory.findLog(run.rid, ALL)
      .lines.map(({ text }) => text)
  memory.addLog(run.rid, [line('one')])
  expect(seen()).toEqual([])
  await memory.keep([run.at('running')])
  expect(seen()).toEqual(['one'])
  memory.addLog(run.rid, [line('two'), line('three')])
  clock.move(999)
  await new Promise(setImmediate)
  expect(seen()).toEqual(['one'])
  clock.move(1)
  await new Promise(setImmediate)
  expect(seen()).toEqual(['one', 'two', 'three'])
  memory.addLog(run.rid, [line('four')])
  memory.flush()
  expect(seen()).toEqual(['one', 'two', 'three', 'four'])
})

test('a log is read in pages, each run its own', () => {
  const { memory } = open()
  for (let n = 1; n <= 5; n++) {
    memory.addLog('a', [line(`a${n}`)])
    memory.addLog('b', [line(`b${n}`)])
  }
  memory.flush()
  const page = memory.findLog('a', { after: 0, limit: 2 })
  expect(page).toEqual({ lines: [1, 2].map((n) => ({ ...line(`a${n}`), number: n })), next: 2 })
  expect(memory.findLog('a', { after: 2, limit: 3 })).toMatchObject({
    lines: [{}, {}, { text: 'a5' }],
    next: null,
  })
  expect(memory.findLog('c', ALL)).toEqual({ lines: [], next: null })
})

test('of a long log the first 500 and the last 1500 lines are kept, and their numbers show the gap', () => {
  const { memory } = open()
  for (let n = 1; n <= 3000; n++) {
    memory.addLog('a', [line(`line ${n}`)])
    if (n % 700 === 0) memory.flush()
  }
  memory.flush()
  const numbers = memory.findLog('a', ALL).lines.map(({ number, text }) => {
    expect(text).toBe(`line ${number}`)
    return number
  })
  expect(numbers).toHaveLength(2000)
  expect(numbers.slice(498, 502)).toEqual([499, 500, 1501, 1502])
  expect(numbers.at(-1)).toBe(3000)
})

test('lines are deleted after 30 days', () => {
  const { clock, memory } = open()
  memory.addLog(
    'a',
    Array.from({ length: 1900 }, (_, n) => line(`old ${n}`)),
  )
  memory.addLog('b', [line('new', '2026-11-30T09:00:00.000Z')])
  memory.flush()
  clock.move(30 * DAY)
  expect(memory.prune()).toBe(0)
  clock.move(1)
  expect(memory.prune()).toBe(1900)
  expect(memory.prune()).toBe(0)
  expect([memory.findLog('a', ALL).lines.length, memory.findLog('b', ALL).lines.length]).toEqual([0, 1])
})

test('of all runs together a bounded number of lines is kept, the oldest are dropped', () => {
  const { db, memory } = open()
  memory.addLog('a', [line('first'), line('second')])
  memory.flush()
  db.prepare('UPDATE sqlite_sequence SET seq = 200000 WHERE name = ?').run('log_lines')
  memory.addLog('b', [line('newest')])
  memory.flush()
  expect(memory.findLog('a', ALL).lines.map(({ text }) => text)).toEqual(['second'])
})

test('lines that cannot be written wait for the next commit', async () => {
  const { db, memory } = open()
  const run = sampleRun()
  db.exec('ALTER TABLE log_lines RENAME TO elsewhere')
  memory.addLog(run.rid, [line('kept')])
  await expect(memory.keep([run.at('running')])).rejects.toThrow()
  db.exec('ALTER TABLE elsewhere RENAME TO log_lines')
  await memory.keep([run.at('running')])
  expect(memory.findLog(run.rid, ALL).lines).toMatchObject([{ text: 'kept' }])
})

test('lines that wait for room are bounded, and the log says how many are lost', () => {
  const { start, memory } = open()
  const hundred = (from: number) => Array.from({ length: 100 }, (_, n) => line(`a${from + n}`))
  for (let n = 0; n < 53; n++) memory.addLog('a', hundred(100 * n))
  memory.flush()
  const texts = start()
    .memory.findLog('a', ALL)
    .lines.map(({ text }) => text)
  expect(texts[0]).toBe('300 lines of this log are lost here: they could not be written')
  expect([texts[1], texts.at(-1)]).toEqual(['a300', 'a5299'])
})
