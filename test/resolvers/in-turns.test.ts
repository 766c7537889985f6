import { expect, onTestFinished, test } from 'vitest'
import { inTurns } from '../../src/resolvers/in-turns.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

/** Counts the turns of the event loop. */
function countTurns(): () => number {
  let turns = 0
  const count = () => {
    turns += 1
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  onTestFinished(() => clearImmediate(timer))
  return () => turns
}

test('a short list is given at once, a long one in turns of the event loop, both in order', async () => {
  expect(inTurns(numbers(100))).toEqual(numbers(100))
  const turns = countTurns()
  const seen = inTurns(numbers(1001)).map(async (item) => [await item, turns()] as const)
  const items = await Promise.all(seen)
  expect(items.map(([item]) => item)).toEqual(numbers(1001))
  const perTurn = Map.groupBy(items, ([, turn]) => turn)
  expect(perTurn.size).toBeGreaterThan(8)
  expect(Math.max(...[...perTurn.values()].map((some) => some.length))).toBeLessThanOrEqual(200)
})
