import { expect, test } from 'vitest'
import { EventQueue } from '../../src/domain/event-queue.ts'
import { makeQueueRules, type RecordEvent } from '../../src/domain/record-event.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'

let seq = 0

function eventOf(n: number): RecordEvent {
  return { seq: ++seq, kind: 'CHANGE', record: sampleRecord({ rid: ridOf(n) }) }
}

function open() {
  const queue = new EventQueue(makeQueueRules({}), () => {})
  /** Everything that waits. */
  const takeAll = async () => {
    queue.close()
    const events: RecordEvent[] = []
    for (let event = await queue.next(); event; event = await queue.next()) events.push(event)
    return events
  }
  return { queue, takeAll }
}

test('of the progress of a run only the newest waits, in its place', async () => {
  const { queue, takeAll } = open()
  const [first, other, second] = [eventOf(1), eventOf(2), eventOf(1)]
  for (const event of [first, other, second]) queue.offer(event, 'progress')
  expect(await takeAll()).toEqual([other, second])
})

test('progress that waits is replaced also if a change of state of its run was taken meanwhile', async () => {
  const { queue, takeAll } = open()
  const [state, first, second] = [eventOf(1), eventOf(1), eventOf(1)]
  queue.offer(state, 'state')
  queue.offer(first, 'progress')
  expect(await queue.next()).toBe(state)
  queue.offer(second, 'progress')
  expect(await takeAll()).toEqual([second])
})

test('progress that was taken is not replaced, and changes of state never are', async () => {
  const { queue, takeAll } = open()
  const [first, second, third] = [eventOf(1), eventOf(1), eventOf(1)]
  queue.offer(first, 'progress')
  expect(await queue.next()).toBe(first)
  queue.offer(second, 'state')
  queue.offer(third, 'progress')
  expect(await takeAll()).toEqual([second, third])
})
