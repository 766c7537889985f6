import { expect, test } from 'vitest'
import { limitTexts, Problems } from '../../src/lib/problems.ts'
import { movedClock } from '../support/daemon-kit.ts'

test('a problem that is reported again keeps its start time', () => {
  const clock = movedClock(Date.UTC(2026, 10, 23, 9))
  const problems = new Problems(clock)
  problems.report({ source: 'disk', key: 'data', text: '3 MiB are left' })
  clock.move(60_000)
  problems.report({ source: 'disk', key: 'data', text: '2 MiB are left' })
  expect(problems.list()).toEqual([
    { source: 'disk', key: 'data', text: '2 MiB are left', since: '2026-11-23T09:00:00.000Z' },
  ])
  expect(problems.clear('disk', 'data')).toBe(true)
  expect(problems.clear('disk', 'data')).toBe(false)
  problems.report({ source: 'disk', key: 'data', text: 'again' })
  expect(problems.list()).toMatchObject([{ since: '2026-11-23T09:01:00.000Z' }])
})

test('the problems of one machine are those about it, as long as they last', () => {
  const clock = movedClock()
  const problems = new Problems(clock)
  const texts = (ip: string) => problems.listAbout(ip).map(({ text }) => text)
  problems.report({ source: 'runs', key: 'a', text: 'one', about: '10.0.0.1' })
  problems.report({ source: 'runs', key: 'b', text: 'other', about: '10.0.0.2' })
  problems.report({ source: 'disk', key: 'a', text: 'own' })
  problems.report({
    source: 'store',
    key: 'a',
    text: 'short',
    about: '10.0.0.1',
    untilMs: clock.now() + 1000,
  })
  expect(texts('10.0.0.1')).toEqual(['one', 'short'])
  clock.move(2000)
  expect(texts('10.0.0.1')).toEqual(['one'])
  problems.report({ source: 'runs', key: 'a', text: 'moved', about: '10.0.0.2' })
  expect([texts('10.0.0.1'), texts('10.0.0.2')]).toEqual([[], ['other', 'moved']])
  problems.clear('runs', 'b')
  problems.replace('runs', [])
  expect(texts('10.0.0.2')).toEqual([])
})

test('problems that a source no longer reports are cleared, those of others stay', () => {
  const problems = new Problems(movedClock())
  problems.report({ source: 'disk', key: 'a', text: 'of the disk' })
  problems.replace('store', [
    { key: 'a', text: 'one' },
    { key: 'b', text: 'two' },
  ])
  problems.replace('store', [{ key: 'b', text: 'two again' }])
  expect(problems.list().map(({ text }) => text)).toEqual(['of the disk', 'two again'])
})

test('fatal problems come first', () => {
  const problems = new Problems(movedClock())
  problems.report({ source: 'runs', key: 'a', text: 'one backup failed' })
  problems.report({ source: 'disk', key: 'a', text: 'no room', isFatal: true })
  expect(problems.list().map(({ text }) => text)).toEqual(['no room', 'one backup failed'])
})

test('thousands of problems are listed as a few and a number', () => {
  expect(limitTexts(['a', 'b'], 2)).toEqual(['a', 'b'])
  expect(limitTexts(['a', 'b', 'c', 'd'], 2)).toEqual(['a', 'b', '… and 2 more'])
})
