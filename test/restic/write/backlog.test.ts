import { expect, test } from 'vitest'
import { Backlog } from '../../../src/restic/write/backlog.ts'

test('a waiting caller continues when there is room, not before', async () => {
  const backlog = new Backlog(2)
  for (let n = 0; n < 2; n++) backlog.add()
  expect(backlog.room()).toBeUndefined()
  for (let n = 0; n < 2; n++) backlog.add()
  let isRoom = false
  const waiting = backlog.room()?.then(() => {
    isRoom = true
  })
  backlog.remove()
  await Promise.resolve()
  expect(isRoom).toBe(false)
  backlog.remove()
  await waiting
  expect(isRoom).toBe(true)
  expect(backlog.room()).toBeUndefined()
})

test('waiting and later callers get the first failure', async () => {
  const backlog = new Backlog(0)
  backlog.add()
  const waiting = backlog.room()
  backlog.fail(new Error('first'))
  backlog.fail(new Error('second'))
  await expect(waiting).rejects.toThrow('first')
  expect(() => backlog.room()).toThrow('first')
})
