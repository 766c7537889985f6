import { expect, it } from 'vitest'
import { KnownSpace } from '../../src/daemon/store-space.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { handClock } from '../support/hand-clock.ts'

const ROOM = {
  freeBytes: 5,
  totalBytes: 100,
  trashBytes: 7,
  quota: { usedBytes: 95, limitBytes: 100 },
  deletedRoom: { backups: 2, bytes: 30, snapshots: 1 },
  problems: ['The quota of /mfs is nearly used up'],
}

it('never waits for the store: it returns the last known room and has it read again', async () => {
  const answer = Promise.withResolvers<unknown>()
  const problems = new Problems(systemClock)
  const space = new KnownSpace({ driver: 'moosefs', clock: systemClock, problems, ask: () => answer.promise })
  const nothing = {
    driver: 'moosefs',
    freeBytes: null,
    totalBytes: null,
    trashBytes: null,
    quota: null,
    deletedRoom: null,
  }
  expect(space.get()).toEqual({ ...nothing, error: null })
  expect(problems.list()).toEqual([])
  answer.resolve(ROOM)
  await expect.poll(() => space.get().freeBytes).toBe(5)
  const { problems: texts, ...room } = ROOM
  expect(space.get()).toEqual({ driver: 'moosefs', ...room, error: null })
  expect(problems.list().map(({ text }) => text)).toEqual(texts)
})

it('says why the store does not answer', async () => {
  const problems = new Problems(systemClock)
  const ask = () => Promise.reject(new Error('it hangs'))
  const space = new KnownSpace({ driver: 'moosefs', clock: systemClock, problems, ask })
  space.get()
  await expect.poll(() => space.get().error).toBe('it hangs')
  expect(problems.list()).toMatchObject([{ source: 'store', text: 'The store cannot be used: it hangs' }])
})

it('a slow store is read once, however often its room is requested', async () => {
  let asked = 0
  const ask = () => {
    asked++
    return new Promise<never>(() => {})
  }
  const clock = handClock()
  const space = new KnownSpace({ driver: 'local', clock, problems: new Problems(clock), ask })
  for (let look = 0; look < 5; look++) space.get()
  clock.move(29_999)
  space.get()
  expect(asked).toBe(1)
  clock.move(1)
  space.get()
  expect(asked).toBe(2)
})
