import { expect, test } from 'vitest'
import type { AlarmStore } from '../../../src/domain/alarm-ports.ts'
import type { Alarm } from '../../../src/domain/alarms/alarm.ts'
import { AlarmBook } from '../../../src/domain/alarms/alarm-book.ts'
import type { Notification } from '../../../src/domain/notify/notification.ts'
import { makeStoredAlarm } from '../../support/stored-alarm.ts'
import { makeStoredNotification } from '../../support/stored-notification.ts'

const NOTE = makeStoredNotification({ sink: 'ops' })

/** A book whose notifier makes one notification of each change, and all that happens, in order. */
function openBook(save: AlarmStore['save'] = async () => {}) {
  const events: string[] = []
  const saved: { changes: readonly Alarm[]; notifications: readonly Notification[] }[] = []
  const book = new AlarmBook({
    load: async () => ({ alarms: [], last: 7, rules: null }),
    async save(changes, notifications) {
      await save(changes, notifications)
      saved.push({ changes, notifications })
      events.push('saved')
    },
    saveRules: async () => {},
    eventsSince: async () => [],
    keptEvents: async () => ({ after: 0, upTo: 0 }),
  })
  book.notifier = { make: () => [NOTE], stored: () => void events.push('told') }
  const queue = book.events.listen({ matches: () => true, keyOf: ({ alarm }) => alarm.id })
  return { book, events, saved, queue }
}

const raise = (id: string) => [{ ...makeStoredAlarm({ id }), raisedSeq: null }]

test('nothing is sent, listed or published before it is on disk', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { book, events, queue } = openBook(() => promise)
  const done = book.change(
    () => raise('a'),
    () => void events.push('committed'),
  )
  await new Promise((turn) => setImmediate(turn))
  expect([events, book.list(), queue.isEmpty]).toEqual([[], [], true])
  resolve()
  await done
  expect(events).toEqual(['saved', 'told', 'committed'])
  expect([book.find('a')?.told, queue.isEmpty]).toEqual([['ops'], false])
})

test('what cannot be stored is not sent, and its number is not used again', async () => {
  const failure = new Error('the disk is full')
  let isFull = true
  const { book, events, saved } = openBook(async () => {
    if (isFull) throw failure
  })
  await book.load()
  await expect(book.change(() => raise('a'))).rejects.toBe(failure)
  expect([events, book.list()]).toEqual([[], []])
  isFull = false
  await book.change(() => raise('b'))
  expect(saved[0]?.changes).toMatchObject([{ id: 'b', seq: 9, raisedSeq: 9 }])
})

test('a change sees what the one before it stored', async () => {
  const { book, saved } = openBook()
  const seen: (string | undefined)[] = []
  const first = book.change(() => raise('a'))
  const second = book.change(() => {
    seen.push(book.find('a')?.id)
    return [{ ...makeStoredAlarm({ id: 'a' }), raisedSeq: 1, clearedAt: 5 }]
  })
  await Promise.all([first, second])
  expect(seen).toEqual(['a'])
  expect(saved.map(({ changes }) => changes[0]?.seq)).toEqual([1, 2])
})
