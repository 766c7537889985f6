import { expect, test } from 'vitest'
import { SetAside } from '../../src/domain/set-aside.ts'
import { Problems } from '../../src/lib/problems.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'

test('after a day without new items the count begins again', () => {
  const clock = handClock()
  const problems = new Problems(clock)
  const setAside = new SetAside({ clock, log: keepingLog(), problems })
  const texts = () => problems.list().map(({ text }) => text)
  setAside.note('10.0.0.1', 'records', ['one', 'two'])
  expect(texts()).toEqual([expect.stringMatching(/^Set aside 2 records .*: two$/)])
  clock.move(24 * 3_600_000)
  setAside.forgetOld()
  expect(texts()).toEqual([])
  setAside.note('10.0.0.1', 'records', ['three'])
  expect(texts()).toEqual([expect.stringMatching(/^Set aside 1 records .*: three$/)])
})
