import { expect, test } from 'vitest'
import { Background } from '../../src/domain/background.ts'
import { RelistQueue } from '../../src/domain/relist-queue.ts'
import { Problems } from '../../src/lib/problems.ts'
import { handClock } from '../support/hand-clock.ts'
import { silentLog } from '../support/silent-log.ts'

function startQueue() {
  const background = new Background(silentLog, new Problems(handClock('2026-11-23T10:00:00Z')))
  const queue = new RelistQueue(background)
  const begun: string[] = []
  let [now, most] = [0, 0]
  const add = (ip: string) =>
    queue.add(ip, async () => {
      begun.push(ip)
      now += 1
      most = Math.max(most, now)
      await Promise.resolve()
      now -= 1
    })
  return { background, queue, add, begun, most: () => most }
}

test('namespaces are listed two at a time, those with news first', async () => {
  const { background, queue, add, begun, most } = startQueue()
  for (const ip of ['a', 'b', 'c', 'd', 'e']) add(ip)
  queue.prefer('e')
  await background.settled()
  expect(begun).toEqual(['a', 'b', 'e', 'c', 'd'])
  expect(most()).toBe(2)
})

test('a listing that fails lets the next one begin', async () => {
  const { background, queue, add, begun } = startQueue()
  for (const ip of ['a', 'b'])
    queue.add(ip, async () => {
      throw new Error('no answer')
    })
  add('c')
  await background.settled()
  expect(begun).toEqual(['c'])
})

test('after the end, nothing waits any more', async () => {
  const { background, queue, add, begun } = startQueue()
  for (const ip of ['a', 'b', 'c']) add(ip)
  queue.close()
  add('d')
  await background.settled()
  expect(begun).toEqual(['a', 'b'])
})

test('a namespace that is to be listed again while it is being listed is listed again', async () => {
  const { background, queue, add, begun } = startQueue()
  const answer = Promise.withResolvers<void>()
  queue.add('a', () => answer.promise)
  await Promise.resolve()
  add('a')
  answer.resolve()
  await expect.poll(() => begun).toEqual(['a'])
  await background.settled()
  expect(begun).toEqual(['a'])
})
