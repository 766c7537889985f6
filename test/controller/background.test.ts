import { expect, test } from 'vitest'
import { Background } from '../../src/controller/background.ts'
import { Problems } from '../../src/lib/problems.ts'
import { keptLog, movedClock } from '../support/daemon-kit.ts'

test('work that fails is logged and a problem, until the controller is closed: then daemons go away too', async () => {
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
