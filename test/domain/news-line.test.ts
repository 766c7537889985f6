import { expect, test } from 'vitest'
import { NewsLine, type NewsPost } from '../../src/domain/news-line.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'

/** A line that takes three records together, each batch only when the test lets it. */
function heldLine() {
  const batches: string[][] = []
  let open: PromiseWithResolvers<void> = Promise.withResolvers()
  const line = new NewsLine(async (posts) => {
    batches.push(posts.map(({ server }) => server))
    if (posts.some(({ server }) => server === 'poison')) throw new Error('poison')
    await open.promise
    open = Promise.withResolvers()
    return Promise.allSettled(
      posts.map(async ({ server, records }) => {
        if (server === 'bad') throw new Error('bad')
        return { records, changed: true, isSurprising: false }
      }),
    )
  }, 3)
  const letOne = async () => {
    const seen = batches.length
    open.resolve()
    for (let turn = 0; turn < 20 && batches.length === seen; turn++) await Promise.resolve()
  }
  return { line, batches, letOne }
}

function post(server: string, count = 1, gone?: AbortSignal): NewsPost {
  return { server, gone, records: Array.from({ length: count }, (_, n) => sampleRecord({ rid: ridOf(n) })) }
}

test('posts that wait are taken together in the order of their arrival, up to the size of a batch', async () => {
  const { line, batches, letOne } = heldLine()
  const sent = ['a', 'b', 'c', 'd'].map((name) => line.take(post(name)))
  await letOne()
  const later = [line.take(post('large', 7)), line.take(post('e'))]
  for (let batch = 0; batch < 4; batch++) await letOne()
  await Promise.all([...sent, ...later])
  expect(batches).toEqual([['a', 'b', 'c'], ['d'], ['large'], ['e']])
})

test('a post whose sender gave up while it waited is never taken', async () => {
  const { line, batches, letOne } = heldLine()
  const [first, second] = [new AbortController(), new AbortController()]
  const taken = line.take(post('a', 3, first.signal))
  const dropped = line.take(post('b', 1, second.signal))
  const next = line.take(post('c'))
  await letOne()
  // Too late: it is being stored.
  first.abort()
  second.abort()
  await expect(dropped).rejects.toMatchObject({ code: 'OVERLOADED' })
  await expect(line.take(post('d', 1, second.signal))).rejects.toMatchObject({ code: 'OVERLOADED' })
  for (let batch = 0; batch < 2; batch++) await letOne()
  await Promise.all([taken, next])
  expect(batches).toEqual([['a'], ['c']])
})

test('a post that cannot be taken fails alone', async () => {
  const { line, letOne } = heldLine()
  const sent = ['a', 'bad', 'c'].map((name) => line.take(post(name)))
  await letOne()
  await letOne()
  expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
})

test('a post that keeps others from being looked at fails alone', async () => {
  const { line, batches, letOne } = heldLine()
  const sent = ['a', 'poison', 'c'].map((name) => line.take(post(name)))
  for (let batch = 0; batch < 4; batch++) await letOne()
  const ended = await Promise.allSettled(sent)
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(batches).toEqual([['a', 'poison', 'c'], ['a'], ['poison', 'c'], ['poison'], ['c']])
})
