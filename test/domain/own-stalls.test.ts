import { expect, test } from 'vitest'
import { OwnStalls, TURN_MS } from '../../src/domain/own-stalls.ts'
import { handClock } from '../support/hand-clock.ts'

const MINUTE = 60_000

/** Stalls of a controller whose turns come in time, except for `stand`. */
function watched() {
  const clock = handClock()
  const stalls = new OwnStalls(clock)
  stalls.noteTurn()
  const stand = (ms: number) => {
    clock.move(TURN_MS + ms)
    stalls.noteTurn()
  }
  const run = (ms: number) => {
    for (let left = ms; left > 0; left -= TURN_MS) stand(0)
  }
  return { clock, stalls, stand, run, start: clock.now() }
}

test('the time that the controller stood still since a moment is the sum of its late turns since then', () => {
  const { clock, stalls, stand, run, start } = watched()
  stand(10_000)
  const between = clock.now()
  run(MINUTE)
  stand(20_000)
  expect(stalls.since(start)).toBe(30_000)
  expect(stalls.since(between)).toBe(20_000)
  expect(stalls.since(clock.now())).toBe(0)
})

test('of a stall that had begun already, only the part since then counts', () => {
  const { clock, stalls, stand } = watched()
  stand(10_000)
  expect(stalls.since(clock.now() - 4000)).toBe(4000)
})

test('a turn that is late now counts, at most as long as the time that is asked for', () => {
  const { clock, stalls, start } = watched()
  clock.move(TURN_MS + 10_000)
  expect(stalls.since(start)).toBe(10_000)
  expect(stalls.since(clock.now() - 3000)).toBe(3000)
  expect(stalls.since(clock.now() + 3000)).toBe(0)
  stalls.noteTurn()
  expect(stalls.since(start)).toBe(10_000)
})

test('a turn that is less than 100 ms late is in time', () => {
  const { stalls, stand, start } = watched()
  stand(99)
  expect(stalls.since(start)).toBe(0)
  stand(100)
  expect(stalls.since(start)).toBe(100)
})

test('stalls are forgotten after an hour, also if the clock was set back', () => {
  for (const sign of [1, -1]) {
    const { clock, stalls, stand, start } = watched()
    stand(10_000)
    clock.move(sign * 61 * MINUTE)
    stalls.noteTurn()
    stalls.noteTurn()
    const kept = sign === 1 ? 61 * MINUTE - TURN_MS : 0
    expect(stalls.since(Math.min(start, clock.now()))).toBe(kept)
  }
})

test('nothing counts before the first turn', () => {
  const clock = handClock()
  const stalls = new OwnStalls(clock)
  const start = clock.now()
  clock.move(MINUTE)
  expect(stalls.since(start)).toBe(0)
})
