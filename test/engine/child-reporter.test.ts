import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FromChild } from '../../src/engine/child-messages.ts'
import { Reporter } from '../../src/engine/child-reporter.ts'
import { MAX_WARNINGS } from '../../src/wire/record.ts'

let sent: FromChild[]
let reporter: Reporter
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  sent = []
  reporter = new Reporter((message) => void sent.push(message))
})
afterEach(() => {
  vi.useRealTimers()
})

test('progress is sent at once, then merged for a moment, and the last of it is not delayed', () => {
  reporter.progress({ filesDone: 1 })
  expect(sent).toEqual([{ kind: 'progress', change: { filesDone: 1 } }])
  reporter.progress({ filesDone: 2, bytesDone: 5 })
  reporter.progress({ filesDone: 3 })
  expect(sent).toHaveLength(1)
  vi.advanceTimersByTime(50)
  expect(sent[1]).toEqual({ kind: 'progress', change: { filesDone: 3, bytesDone: 5 } })
  vi.advanceTimersByTime(1000)
  expect(sent).toHaveLength(2)
})

test('no phase is merged with the next', () => {
  reporter.progress({ phase: 'pack', bytesDone: 0 })
  reporter.progress({ bytesDone: 5 })
  reporter.progress({ phase: 'recheck', bytesDone: 5 })
  reporter.progress({ phase: 'recheck', bytesDone: 6 })
  reporter.progress({ phase: 'publish' })
  vi.advanceTimersByTime(50)
  expect(sent.map((message) => message.kind === 'progress' && message.change)).toEqual([
    { phase: 'pack', bytesDone: 0 },
    { bytesDone: 5 },
    { phase: 'recheck', bytesDone: 6 },
    { phase: 'publish' },
  ])
})

test('warnings beyond the limit of a record are counted, none twice and none lost', () => {
  for (let n = 1; n <= MAX_WARNINGS + 5; n++) reporter.warn(`warning ${n}`)
  vi.advanceTimersByTime(50)
  const counts = sent.map((message) => (message.kind === 'warn' ? message.count : 0))
  expect(counts.slice(0, MAX_WARNINGS)).toEqual(Array(MAX_WARNINGS).fill(1))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(MAX_WARNINGS + 5)
  expect(sent.at(-1)).toMatchObject({ message: `warning ${MAX_WARNINGS + 5}` })
})

test('leftovers of a run are not reported by the next one', () => {
  reporter.progress({ filesDone: 1 })
  reporter.progress({ filesDone: 2 })
  reporter.close()
  expect(sent.at(-1)).toEqual({ kind: 'progress', change: { filesDone: 2 } })
  const before = sent.length
  reporter.progress({ filesDone: 3 })
  reporter.warn('late')
  reporter.log('info', 'late', {})
  vi.advanceTimersByTime(1000)
  expect(sent).toHaveLength(before)
})
