import { expect, test } from 'vitest'
import { AlarmGate, MAX_GATE_MS } from '../../../src/domain/alarms/alarm-gate.ts'
import { handClock } from '../../support/hand-clock.ts'

const IP = '10.0.0.1'
const DELIVERY_MS = 20_000

test('a daemon is judged once its news had time to follow its first answer, and it has no more of it', () => {
  const clock = handClock()
  const gate = new AlarmGate(clock)
  expect(gate.isReady(IP, false)).toBe(false)
  gate.noteAnswer(IP)
  clock.move(DELIVERY_MS - 1)
  gate.noteAnswer(IP)
  expect(gate.isReady(IP, false)).toBe(false)
  clock.move(1)
  expect([gate.isReady(IP, true), gate.isReady(IP, false)]).toEqual([false, true])
  gate.forget(IP)
  expect(gate.isReady(IP, false)).toBe(false)
})

test('a daemon that was cut off is judged once the controller has its news from before its first answer', () => {
  const clock = handClock()
  const gate = new AlarmGate(clock)
  gate.noteAnswer(IP, 3_600_000)
  clock.move(30_000)
  gate.noteAnswer(IP, 3_600_000)
  expect(gate.isReady(IP, false)).toBe(false)
  clock.move(30_000)
  // What waits now is younger than the first answer.
  gate.noteAnswer(IP, 50_000)
  expect(gate.isReady(IP, false)).toBe(true)
  gate.noteAnswer('10.0.0.2', 3_600_000)
  gate.forget('10.0.0.2')
  gate.noteAnswer('10.0.0.2', 0)
  clock.move(DELIVERY_MS)
  expect(gate.isReady('10.0.0.2', false)).toBe(true)
})

test('a daemon that does not answer is judged in the end, and an open gate stays open', () => {
  const clock = handClock()
  const gate = new AlarmGate(clock)
  clock.move(MAX_GATE_MS - 1)
  expect([gate.isTimeUp, gate.isReady(IP, true)]).toEqual([false, false])
  gate.open(IP)
  expect([gate.isReady(IP, true), gate.isReady('10.0.0.2', true)]).toEqual([true, false])
  clock.move(1)
  expect([gate.isTimeUp, gate.isReady('10.0.0.2', true)]).toEqual([true, true])
})
