import { expect, test } from 'vitest'
import type { Notification } from '../../../src/domain/notify/notification.ts'
import { NotifyOutbox } from '../../../src/domain/notify/outbox.ts'
import { DAY_MS, MINUTE_MS } from '../../../src/lib/time-units.ts'
import { handClock } from '../../support/hand-clock.ts'
import { makeStoredNotification } from '../../support/stored-notification.ts'

function openOutbox(count = 1, changes: Partial<Notification> = {}) {
  const clock = handClock()
  const outbox = new NotifyOutbox(clock)
  const now = clock.now()
  const all = Array.from({ length: count }, (_, n) =>
    makeStoredNotification({ id: `n${n}`, createdAt: now, heldUntil: now, ...changes }),
  )
  outbox.add(all)
  const takeDue = () => {
    const due = outbox.findDue('ops')
    if (!due) throw new Error('nothing is due')
    return due
  }
  const statesOf = () => outbox.listUnsaved().map(({ id, state }) => `${id} ${state}`)
  return { clock, outbox, takeDue, statesOf }
}

test('an outcome that changed while an earlier one was stored is stored again', () => {
  const { outbox, takeDue, statesOf } = openOutbox()
  outbox.noteFailure(takeDue(), 'HTTP 500', false)
  const stored = outbox.listUnsaved()
  const again = outbox.listWaiting('alarm')[0]
  if (again) outbox.noteSent(again, 'HTTP 200')
  outbox.markSaved(stored)
  expect(statesOf()).toEqual(['n0 SENT'])
  outbox.markSaved(outbox.listUnsaved())
  expect(statesOf()).toEqual([])
})

test('a notification that was dropped while it was being sent is not tried again', () => {
  const { clock, outbox, takeDue, statesOf } = openOutbox()
  const sending = takeDue()
  outbox.keepSinks(new Set())
  outbox.noteFailure(sending, 'HTTP 500', false)
  expect(statesOf()).toEqual(['n0 DROPPED'])
  clock.move(DAY_MS / 2)
  expect(outbox.findDue('ops')).toBeUndefined()
  expect(outbox.listWaiting('alarm')).toEqual([])
})

test('a failure makes the whole sink wait, and a success ends that', () => {
  const { clock, outbox, takeDue } = openOutbox(2)
  outbox.noteFailure(takeDue(), 'HTTP 500', false)
  expect(outbox.findDue('ops')).toBeUndefined()
  clock.move(MINUTE_MS)
  const first = takeDue()
  expect(first).toMatchObject({ id: 'n0', attempts: 1, answer: 'HTTP 500' })
  outbox.noteSent(first, 'HTTP 200')
  expect(takeDue().id).toBe('n1')
  expect(outbox.isDead('ops', 0)).toBe(false)
})

test('a sink is stuck only after five minutes of failures in a row', () => {
  const { clock, outbox, takeDue } = openOutbox()
  for (let minute = 0; minute < 5; minute++) {
    outbox.noteFailure(takeDue(), 'HTTP 500', false)
    clock.move(MINUTE_MS)
  }
  clock.move(-1)
  expect(outbox.findFault('ops')).toEqual({ kind: 'stuck', waiting: 1, answer: 'HTTP 500' })
  const { clock: early, outbox: other, takeDue: takeOther } = openOutbox()
  other.noteFailure(takeOther(), 'HTTP 500', false)
  early.move(5 * MINUTE_MS - 1)
  expect(other.findFault('ops')).toBeUndefined()
})

test('what waits for more than a day is given up, what is held until later only a day after that', () => {
  const { clock, outbox, statesOf } = openOutbox()
  const held = makeStoredNotification({ id: 'held', createdAt: clock.now(), heldUntil: clock.now() + DAY_MS })
  outbox.add([held])
  clock.move(DAY_MS)
  expect(outbox.findDue('ops')?.id).toBe('n0')
  clock.move(1)
  expect(outbox.findDue('ops')?.id).toBe('held')
  expect(statesOf()).toEqual(['n0 FAILED'])
})

test('of more than 2000 that wait for one sink, the oldest are given up', () => {
  const { outbox, statesOf } = openOutbox(2001)
  expect(outbox.findDue('ops')?.id).toBe('n1')
  expect(statesOf()).toEqual(['n0 FAILED'])
})
