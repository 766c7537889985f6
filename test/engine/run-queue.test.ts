import { expect, test } from 'vitest'
import { RunQueue, type Ticket } from '../../src/engine/run-queue.ts'

function tickets(begun: string[]) {
  return (name: string, light = false): Ticket => ({
    needs: [`/srv/${name}`],
    light,
    begin: () => void begun.push(name),
  })
}

test('a run that gave up its lane frees no second one when it ends', () => {
  const begun: string[] = []
  const ticket = tickets(begun)
  const queue = new RunQueue(1)
  const [a, b, c, d] = [ticket('a'), ticket('b'), ticket('c'), ticket('d')]
  for (const each of [a, b, c, d]) queue.enter(each)
  expect(begun).toEqual(['a'])
  queue.giveLane(a)
  queue.giveLane(a)
  expect(begun).toEqual(['a', 'b'])
  queue.leave(a)
  queue.leave(a)
  expect(begun).toEqual(['a', 'b'])
  queue.leave(b)
  expect(begun).toEqual(['a', 'b', 'c'])
  queue.giveLane(d)
  expect(begun).toEqual(['a', 'b', 'c'])
  queue.leave(c)
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})

test('a run without a lane keeps its paths locked, against light runs too', () => {
  const begun: string[] = []
  const ticket = tickets(begun)
  const queue = new RunQueue(1)
  const [first, same] = [ticket('a'), ticket('a', true)]
  queue.enter(first)
  queue.giveLane(first)
  queue.enter(same)
  expect(begun).toEqual(['a'])
  queue.leave(first)
  expect(begun).toEqual(['a', 'a'])
})

test('an idle run waits for all heavy ones, and is paused while another comes; light ones do not matter', () => {
  const begun: string[] = []
  const ticket = tickets(begun)
  const queue = new RunQueue(2)
  const idle = (name: string): Ticket => ({
    ...{ needs: [], light: false, begin: () => void begun.push(name) },
    pause: (isPaused) => void begun.push(`${name} ${isPaused ? 'paused' : 'on'}`),
  })
  const [heavy, next, light] = [ticket('a'), ticket('b'), ticket('c', true)]
  const [first, second] = [idle('first'), idle('second')]
  for (const each of [heavy, first, second, light]) queue.enter(each)
  expect(begun).toEqual(['a', 'c'])
  queue.leave(heavy)
  expect(begun.slice(2)).toEqual(['first'])
  queue.enter(next)
  queue.leave(next)
  expect(begun.slice(3)).toEqual(['b', 'first paused', 'first on'])
  queue.leave(first)
  expect(begun.at(-1)).toBe('second')
})

test('an idle run is not paused by one that waits for its path, or both would wait for ever', () => {
  const begun: string[] = []
  const ticket = tickets(begun)
  const queue = new RunQueue(2)
  const idle: Ticket = {
    ...{ needs: ['/srv/drill'], light: false, begin: () => void begun.push('idle') },
    pause: (isPaused) => void begun.push(isPaused ? 'paused' : 'on'),
  }
  queue.enter(idle)
  const [same, other] = [ticket('drill'), ticket('other')]
  queue.enter(same)
  expect(queue.isBusy).toBe(false)
  expect(begun.at(-1)).toBe('on')
  queue.enter(other)
  expect(begun.at(-1)).toBe('paused')
  queue.leave(other)
  expect(begun.at(-1)).toBe('on')
  queue.leave(idle)
  expect(begun.at(-1)).toBe('drill')
})
