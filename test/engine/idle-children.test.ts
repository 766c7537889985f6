import { expect, test } from 'vitest'
import { jobSchema } from '../../src/wire/job.ts'
import { VERIFY_ACTION } from '../../src/wire/verification.ts'
import { VERIFY_DUE_ACTION } from '../../src/wire/verify-schedule.ts'
import { startEngine } from '../support/start-engine.ts'

test('a verification of the schedule has the lowest priority, and gives way to a run that comes, until that ends', async () => {
  const { engine, memory } = await startEngine({ concurrency: 2 })
  const args = { budgetBytes: null, rules: [] }
  engine.setJobs([jobSchema.parse({ id: 'v', spec: '@yearly', action: VERIFY_DUE_ACTION, args })], '1')
  engine.start()
  await engine.runJob('v')
  const phase = (name: string) =>
    memory.until(({ action, progress }) => action === VERIFY_ACTION && progress?.phase === name)
  expect(await phase('reads')).toMatchObject({ jobId: 'v', progress: { currentPath: '19' } })
  const { rid } = await engine.runOnce('test', { forever: true })
  await phase('gives way')
  expect(memory.loadNight()).toMatchObject({ backups: 0, isOver: false })
  engine.cancel(rid)
  const verified = await memory.until(({ action, state }) => action === VERIFY_ACTION && state === 'success')
  expect(verified.type).toBe('cron')
  await expect.poll(() => memory.loadNight()).toMatchObject({ backups: 1, tried: ['one'], isOver: true })
})
