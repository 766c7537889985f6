import { expect, it } from 'vitest'
import { StoreSpace } from '../../src/daemon/store-space.ts'

const ROOM = {
  ...{ freeBytes: 5, totalBytes: 100, trashBytes: 7 },
  ...{ quota: { usedBytes: 95, limitBytes: 100 }, problems: ['The quota of /mfs is nearly used up'] },
}

it('never waits for the store: it tells what was seen last, and has it looked up', async () => {
  const answer = Promise.withResolvers<unknown>()
  const space = new StoreSpace('moosefs', () => answer.promise)
  const nothing = { driver: 'moosefs', freeBytes: null, totalBytes: null, trashBytes: null, quota: null }
  expect(space.get()).toEqual({ ...nothing, error: null })
  expect(space.problems).toEqual([])
  answer.resolve(ROOM)
  await expect.poll(() => space.get().freeBytes).toBe(5)
  const { problems, ...room } = ROOM
  expect(space.get()).toEqual({ driver: 'moosefs', ...room, error: null })
  expect(space.problems).toEqual(problems)
})

it('says why the store does not answer', async () => {
  const space = new StoreSpace('moosefs', () => Promise.reject(new Error('it hangs')))
  space.get()
  await expect.poll(() => space.get().error).toBe('it hangs')
})
