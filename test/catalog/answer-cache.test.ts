import { expect, test } from 'vitest'
import { AnswerCache, type AnswerScope, type TouchedRows } from '../../src/catalog/answer-cache.ts'

const ANY: AnswerScope = {}

/** Counts how often it is asked; the answer is that number. */
function counting() {
  let asked = 0
  const find = async () => ++asked
  return { find, asked: () => asked }
}

/** A cache of answers without rows, each of weight 1. */
function cacheOf<T>(maxWeight = 10): AnswerCache<T> {
  return new AnswerCache<T>(() => [], maxWeight)
}

test('an answer is cached until something is written', async () => {
  const cache = cacheOf<number>()
  const { find } = counting()
  expect([
    await cache.get('a', ANY, find),
    await cache.get('a', ANY, find),
    await cache.get('b', ANY, find),
  ]).toEqual([1, 1, 2])
  cache.forget()
  expect(await cache.get('a', ANY, find)).toBe(3)
})

const HELLO = { apps: new Set(['hello']), servers: new Set(['10.0.0.1']), keys: new Set(['r1']) }

test.for<[string, AnswerScope, TouchedRows, 'dropped' | 'kept']>([
  ['of all rows', {}, HELLO, 'dropped'],
  ['of the changed app', { app: 'hello' }, HELLO, 'dropped'],
  ['of another app', { app: 'shop' }, HELLO, 'kept'],
  ['of the changed server', { server: '10.0.0.1' }, HELLO, 'dropped'],
  ['of another server', { server: '10.0.0.2' }, HELLO, 'kept'],
  ['of the changed app on another server', { app: 'hello', server: '10.0.0.2' }, HELLO, 'kept'],
  ['of the changed row', { key: 'r1' }, HELLO, 'dropped'],
  ['of another row', { key: 'r2' }, HELLO, 'kept'],
  ['of an app, if the changed apps are not known', { app: 'shop' }, { servers: HELLO.servers }, 'dropped'],
])('after a write, the answer %s is as it should be', async ([, scope, touched, expected]) => {
  const cache = cacheOf<number>()
  const { find } = counting()
  await cache.get('a', scope, find)
  cache.forget(touched)
  expect(await cache.get('a', scope, find)).toBe(expected === 'dropped' ? 2 : 1)
})

test('an answer with a row that left its scope is dropped', async () => {
  const cache = new AnswerCache<string[]>((rows) => rows, 10)
  await cache.get('a', { app: 'shop' }, async () => ['r1', 'r2'])
  cache.forget({ ...HELLO, keys: new Set(['r3']) })
  expect(await cache.get('a', { app: 'shop' }, async () => [])).toEqual(['r1', 'r2'])
  cache.forget(HELLO)
  expect(await cache.get('a', { app: 'shop' }, async () => [])).toEqual([])
})

test('an answer that was read during a write is not cached', async () => {
  const cache = cacheOf<string>()
  const reading = Promise.withResolvers<string>()
  const early = cache.get('a', ANY, () => reading.promise)
  cache.forget()
  const late = cache.get('a', ANY, async () => 'new')
  reading.resolve('old')
  expect([await early, await late, await cache.get('a', ANY, async () => 'newest')]).toEqual([
    'old',
    'new',
    'new',
  ])
})

test('an answer that was read during a write of other rows is not cached: one of them may have left its scope', async () => {
  const cache = new AnswerCache<string[]>((rows) => rows, 10)
  const reading = Promise.withResolvers<string[]>()
  const early = cache.get('a', { app: 'shop' }, () => reading.promise)
  cache.forget(HELLO)
  reading.resolve(['r1'])
  expect(await early).toEqual(['r1'])
  expect(await cache.get('a', { app: 'shop' }, async () => [])).toEqual([])
})

test('an answer that was read during a write takes no room in the cache', async () => {
  const cache = new AnswerCache<string>(() => ['1', '2', '3', '4', '5'], 10)
  const reading = Promise.withResolvers<string>()
  const early = cache.get('a', ANY, () => reading.promise)
  cache.forget()
  const late = cache.get('a', ANY, async () => 'new')
  await late
  reading.resolve('old')
  await early
  expect(await cache.get('a', ANY, async () => 'newest')).toBe('new')
})

test('a failure is passed on and not cached', async () => {
  const cache = cacheOf<number>()
  const fail = async () => {
    throw new Error('no disk')
  }
  await expect(cache.get('a', ANY, fail)).rejects.toThrow('no disk')
  expect(await cache.get('a', ANY, async () => 7)).toBe(7)
})

test('the oldest answers are dropped if there are too many', async () => {
  const cache = new AnswerCache<number>((rows) => Array.from({ length: rows }, String), 10)
  const { find, asked } = counting()
  for (const question of ['a', 'b', 'c']) await cache.get(question, ANY, async () => 3)
  expect(await cache.get('b', ANY, find)).toBe(3)
  expect(asked()).toBe(0)
  expect(await cache.get('a', ANY, find)).toBe(1)
})
