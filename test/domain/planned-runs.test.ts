import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { sleepJob } from '../../src/domain/jobs.ts'
import { findPlannedRuns, type PlannedRunsQuestion } from '../../src/domain/planned-runs.ts'
import { stopScheduler } from '../../src/domain/schedulers.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { asAdmin, callerWith } from '../support/callers.ts'
import { given } from '../support/given.ts'

const DAY: PlannedRunsQuestion = {
  from: '2026-11-24T00:00:00Z',
  to: '2026-11-25T00:00:00Z',
  bucket: 'HOUR',
  by: undefined,
}

async function openTwoApps() {
  const kit = await given
    .app('shop')
    .proc('web')
    .on('10.0.0.1', '10.0.0.2')
    .volume('/data/db')
    .schedule({ spec: '0 5 * * *' })
    .app('blog')
    .proc('web')
    .on('10.0.0.2')
    .volume('/srv')
    .schedule({ spec: '30 5 * * *', mode: 'increment' })
    .inMemory()
  for (let n = 0; n < 2; n++) {
    tick(kit.world)
    await kit.world.background.settled()
  }
  const backups = (runs: { key: string | null; runs: number }[]) =>
    runs.map(({ key, runs: count }) => [key, count])
  return { ...kit, backups }
}

test('the backups and verifications that are planned are counted in buckets', async () => {
  const { world } = await openTwoApps()
  const [all, ...none] = await findPlannedRuns(asAdmin(world), DAY)
  expect(none).toEqual([])
  expect(all?.key).toBeNull()
  expect(all?.buckets.find(({ start }) => start === '2026-11-24T05:00:00.000Z')?.runs).toBe(3)
  const quarters = await findPlannedRuns(asAdmin(world), { ...DAY, bucket: 'QUARTER_HOUR', by: 'MODE' })
  expect(quarters.find(({ key }) => key === 'increment')?.buckets).toEqual([
    { start: '2026-11-24T05:30:00.000Z', runs: 1 },
  ])
})

test('they are grouped by app, server, action or mode', async () => {
  const { world, backups } = await openTwoApps()
  const ask = async (by: PlannedRunsQuestion['by']) =>
    backups(await findPlannedRuns(asAdmin(world), { ...DAY, by }))
  expect(await ask('APP')).toEqual([
    ['backupctl', 2],
    ['blog', 1],
    ['shop', 2],
  ])
  expect(await ask('SERVER')).toEqual([
    ['10.0.0.1', 2],
    ['10.0.0.2', 3],
  ])
  expect(await ask('ACTION')).toEqual([
    ['backup', 3],
    ['backup_verify_due', 2],
  ])
  expect(await ask('MODE')).toEqual([
    ['', 2],
    ['full', 2],
    ['increment', 1],
  ])
})

test('a job that sleeps, and those of a scheduler that is stopped, are not planned', async () => {
  const { world, backups } = await openTwoApps()
  const ask = async () => backups(await findPlannedRuns(asAdmin(world), { ...DAY, by: 'SERVER' }))
  const job = world.inventory.plan.volumes.find(({ app }) => app === 'blog')?.jobs[0]
  await sleepJob(asAdmin(world), { id: job?.id ?? '' })
  expect(await ask()).toEqual([
    ['10.0.0.1', 2],
    ['10.0.0.2', 2],
  ])
  await stopScheduler(asAdmin(world), '10.0.0.1')
  expect(await ask()).toEqual([['10.0.0.2', 2]])
})

test('a caller with a role for one app sees the runs of that app only', async () => {
  const { world, backups } = await openTwoApps()
  for (const by of ['APP', undefined] as const) {
    const found = await findPlannedRuns(asCaller(world, callerWith('viewer', ['blog'])), { ...DAY, by })
    expect(backups(found)).toEqual([[by ? 'blog' : null, 1]])
  }
})

test.each<[string, Partial<PlannedRunsQuestion>, string]>([
  ['ends before it begins', { to: DAY.from }, 'it is not after "from"'],
  ['has too many buckets', { to: '2027-02-24T00:00:00Z' }, '2208 buckets'],
])('a time that %s is refused', async (_, change, message) => {
  const { world } = await openTwoApps()
  await expect(findPlannedRuns(asAdmin(world), { ...DAY, ...change })).rejects.toThrow(message)
})
