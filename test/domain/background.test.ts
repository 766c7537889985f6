import { expect, test } from 'vitest'
import { Background } from '../../src/domain/background.ts'
import { Problems } from '../../src/lib/problems.ts'
import { keptLog, movedClock } from '../support/daemon-kit.ts'

test('failed work is logged and a problem, until the controller closes', async () => {
  const log = keptLog()
  const problems = new Problems(movedClock())
  const background = new Background(log, problems)
  const fail = () => Promise.reject(new Error('connect ECONNREFUSED'))
  await background.run('list the jobs', fail)
  expect(problems.list()).toMatchObject([{ text: expect.stringContaining('Cannot list the jobs: connect') }])
  expect(log.lines).toHaveLength(1)
  background.close()
  await background.run('list the backups', fail)
  expect(problems.list()).toHaveLength(1)
  expect(log.lines).toHaveLength(1)
})

test('a failure that comes again and again is logged once, and again after a success', async () => {
  const log = keptLog()
  const background = new Background(log, new Problems(movedClock()))
  const fail = (text: string) => background.run('store it', () => Promise.reject(new Error(text)))
  for (let n = 0; n < 3; n++) await fail('the disk is full')
  expect(log.lines).toHaveLength(1)
  await fail('the disk is gone')
  expect(log.lines).toHaveLength(2)
  await background.run('store it', async () => {})
  await fail('the disk is gone')
  expect(log.lines).toHaveLength(3)
})

test('work of one name runs once at a time, and again after it ended, however it ended', async () => {
  const background = new Background(keptLog(), new Problems(movedClock()))
  const { promise, reject } = Promise.withResolvers<void>()
  let begun = 0
  const work = () => {
    begun++
    return promise
  }
  const first = background.run('list the jobs', work)
  expect(background.run('list the jobs', work)).toBe(first)
  expect(begun).toBe(1)
  reject(new Error('no answer'))
  await first
  await background.run('list the jobs', async () => void begun++)
  expect(begun).toBe(2)
})

test('closing waits for work that failed and work that began meanwhile', async () => {
  const background = new Background(keptLog(), new Problems(movedClock()))
  const done: string[] = []
  void background.run('first', async () => {
    await new Promise(setImmediate)
    void background.run('second', async () => {
      await new Promise(setImmediate)
      done.push('second')
    })
    throw new Error('first failed')
  })
  await background.settled()
  expect(done).toEqual(['second'])
})
