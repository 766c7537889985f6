import { expect, test } from 'vitest'
import type { Alarm } from '../../../src/domain/alarms/alarm.ts'
import {
  AlarmBoard,
  type AlarmStep,
  GROUP_FROM,
  LOOK_MS,
  QUIET_MS,
} from '../../../src/domain/alarms/alarm-board.ts'
import { type AlarmItem, makeServerItem, nameServer } from '../../../src/domain/alarms/alarm-items.ts'
import { makeFinding } from '../../../src/domain/alarms/alarm-rules.ts'
import { handClock } from '../../support/hand-clock.ts'
import { makeStoredAlarm } from '../../support/stored-alarm.ts'

const IP = '10.0.0.1'
const FAILING = makeFinding('FAILING')

function volume(name: string): AlarmItem {
  const place = { app: 'shop', proc: 'shop.web.web', instanceNo: 1, name }
  return { key: name, parent: nameServer(IP), target: { type: 'VOLUME', server: IP, volume: place } }
}

function startBoard() {
  const clock = handClock()
  const board = new AlarmBoard(clock)
  const steps = () => [...board.listSteps()]
  /** The alarm as it is on disk after this step. */
  const alarmAfter = (step: AlarmStep): Alarm => {
    if (step.what !== 'raise') return { ...step.alarm, clearedAt: step.what === 'clear' ? clock.now() : null }
    const [fault] = step.faults
    const { kind, severity } = step.line.finding
    const { key, parent } = step.isGroup
      ? step.line
      : { key: `${fault?.item.key}`, parent: `${fault?.item.parent}` }
    return makeStoredAlarm({ key, parent, kind, severity, isGroup: step.isGroup, count: step.faults.length })
  }
  const commitAll = () => {
    const due = steps()
    for (const step of due) board.commit(step, alarmAfter(step))
    return due.map(({ what }) => what)
  }
  const raise = (item: AlarmItem) => {
    board.note(item, FAILING)
    clock.move(LOOK_MS)
    expect(commitAll()).toEqual(['raise'])
  }
  return { clock, board, steps, commitAll, alarmAfter, raise }
}

test('a fault that comes back while its alarm is being cleared begins again', () => {
  const { clock, board, steps, commitAll, alarmAfter, raise } = startBoard()
  const item = volume('db')
  raise(item)
  board.note(item, null)
  expect(steps()).toEqual([])
  clock.move(QUIET_MS)
  const [clear] = steps()
  expect(clear?.what).toBe('clear')
  board.note(item, FAILING)
  if (clear) board.commit(clear, alarmAfter(clear))
  expect(steps()).toEqual([])
  clock.move(LOOK_MS)
  expect(commitAll()).toEqual(['raise'])
})

test('a fault is due exactly after its time, and one that ends before leaves nothing', () => {
  const { clock, board, steps, commitAll } = startBoard()
  board.note(volume('db'), FAILING)
  board.note(volume('logs'), FAILING)
  clock.move(LOOK_MS - 1)
  expect(steps()).toEqual([])
  board.note(volume('logs'), null)
  clock.move(1)
  expect(commitAll()).toEqual(['raise'])
  clock.move(LOOK_MS)
  expect(steps()).toEqual([])
})

test('a fault that changes its kind begins again, and one that only changes its size does not', () => {
  const { clock, board, steps } = startBoard()
  board.note(volume('db'), FAILING)
  clock.move(LOOK_MS - 1)
  board.note(volume('db'), makeFinding('FAILING', { size: 3 }))
  clock.move(1)
  expect(steps()).toMatchObject([{ what: 'raise', faults: [{ finding: { size: 3 } }] }])
  board.note(volume('db'), makeFinding('CORRUPT'))
  expect(steps()).toEqual([])
})

test('what was seen before a start is raised at once', () => {
  const { board, steps } = startBoard()
  board.note(volume('db'), FAILING, true)
  expect(steps()).toMatchObject([{ what: 'raise', isGroup: false }])
})

test.each([
  [GROUP_FROM - 1, Array(GROUP_FROM - 1).fill(false)],
  [GROUP_FROM, [true]],
])('%i faults of one kind have the alarms %j', (count, groups) => {
  const { clock, board, steps } = startBoard()
  for (let n = 0; n < count; n++) board.note(volume(`v${n}`), FAILING)
  clock.move(LOOK_MS)
  expect(steps().map((step) => step.what === 'raise' && step.isGroup)).toEqual(groups)
})

test('a restored alarm stays until it is known that nothing is wrong, and only that of the parent that is settled', () => {
  const { clock, board, steps } = startBoard()
  const parents = [nameServer(IP), nameServer('10.0.0.2')]
  for (const parent of parents) board.restore(makeStoredAlarm({ key: `db on ${parent}`, parent }))
  clock.move(2 * QUIET_MS)
  expect(steps()).toEqual([])
  board.settle(parents[0])
  expect(steps()).toEqual([])
  clock.move(QUIET_MS - 1)
  expect(steps()).toEqual([])
  clock.move(1)
  expect(steps()).toMatchObject([{ what: 'clear', alarm: { parent: parents[0] } }])
})

test('faults that their server explains wait while it lasts, and as long again as backups may take', () => {
  const { clock, board, steps } = startBoard()
  const silent = makeServerItem(IP, 'SILENT')
  board.note(silent, makeFinding('SILENT'))
  board.note(volume('db'), makeFinding('OVERDUE'))
  board.note(volume('logs'), makeFinding('CORRUPT'))
  clock.move(LOOK_MS)
  const kinds = () => steps().map((step) => step.what === 'raise' && step.line.finding.kind)
  expect(kinds()).toEqual(['SILENT', 'CORRUPT'])
  board.note(silent, null)
  clock.move(QUIET_MS - 1)
  expect(kinds()).toEqual(['CORRUPT'])
  clock.move(1)
  expect(kinds()).toEqual(['OVERDUE', 'CORRUPT'])
})

test('another alarm of the same thing is not replaced', () => {
  const { clock, board, steps, raise } = startBoard()
  raise(volume('db'))
  board.replace(makeStoredAlarm({ id: 'another', key: 'db', kind: 'CORRUPT', severity: 'CRITICAL' }))
  clock.move(QUIET_MS)
  expect(steps()).toEqual([])
})
