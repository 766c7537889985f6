import { expect, test } from 'vitest'
import { AnswerCache } from '../../src/catalog/answer-cache.ts'

/** Counts how often it is asked; the answer is that number. */
function counting() {
  let asked = 0
  const find = async () => ++asked
  return { find, asked: () => asked }
}

test('an answer is cached until something is written', async () => {
  const cache = new AnswerCache<number>(() => 1, 10)
  const { find } = counting()
  expect([await cache.get('a', find), await cache.get('a', find), await cache.get('b', find)]).toEqual([
    1, 1, 2,
  ])
  cache.forget()
  expect(await cache.get('a', find)).toBe(3)
})

test('an answer that was read during a write is not cached', async () => {
  const cache = new AnswerCache<string>(() => 1, 10)
  const reading = Promise.withResolvers<string>()
  const early = cache.get('a', () => reading.promise)
  cache.forget()
  const late = cache.get('a', async () => 'new')
  reading.resolve('old')
  expect([await early, await late, await cache.get('a', async () => 'newest')]).toEqual(['old', 'new', 'new'])
})

test('an answer that was read during a write takes no room in the cache', async () => {
  const cache = new AnswerCache<string>(() => 6, 10)
  const reading = Promise.withResolvers<string>()
  const early = cache.get('a', () => reading.promise)
  cache.forget()
  const late = cache.get('a', async () => 'new')
  await late
  reading.resolve('old')
  await early
  expect(await cache.get('a', async () => 'newest')).toBe('new')
})

test('a failure is passed on and not cached', async () => {
  const cache = new AnswerCache<number>(() => 1, 10)
  const fail = async () => {
    throw new Error('no disk')
  }
  await expect(cache.get('a', fail)).rejects.toThrow('no disk')
  expect(await cache.get('a', async () => 7)).toBe(7)
})

test('the oldest answers are dropped if there are too many', async () => {
  const cache = new AnswerCache<number>((weight) => weight, 10)
  const { find, asked } = counting()
  for (const [question, weight] of [
    ['a', 4],
    ['b', 4],
    ['c', 4],
  ] as const)
    await cache.get(question, async () => weight)
  expect(await cache.get('b', find)).toBe(4)
  expect(asked()).toBe(0)
  expect(await cache.get('a', find)).toBe(1)
})
