import { expect, test } from 'vitest'
import { adoptPlan } from '../../../src/domain/health/adopt-plan.ts'
import { HealthBoard } from '../../../src/domain/health/board.ts'
import { JudgingClock } from '../../../src/domain/health/judging-clock.ts'
import { makePlan } from '../../../src/domain/make-plan.ts'
import { doAtOnce } from '../../../src/lib/in-slices.ts'
import { given } from '../../support/given.ts'
import { handClock } from '../../support/hand-clock.ts'

/** The plan of one volume of instance 1, which is on all of these servers. */
function planOn(...servers: string[]) {
  const { apps } = given
    .app('hello')
    .proc('web')
    .on(...servers)
    .volume('/data/db')
    .inventory()
  for (const { instances } of apps.flatMap(({ procs }) => procs))
    for (const instance of instances) instance.no = 1
  return makePlan({ apps }, '/volumes')
}

test('an instance that moved to two servers at once is judged on each of them', () => {
  const clock = new JudgingClock(handClock('2026-12-01T00:00:00Z'), undefined)
  const board = new HealthBoard({ clock, minGraceMs: 600_000 })
  const moved = planOn('10.0.0.2', '10.0.0.3')
  for (const plan of [planOn('10.0.0.1'), moved]) doAtOnce(adoptPlan(board, plan))
  expect(moved.volumes.map((volume) => board.findVolume(volume)?.planned)).toEqual(moved.volumes)
  const jobs = moved.volumes.flatMap((volume) => volume.jobs)
  expect(jobs.map(({ id }) => board.findJob(id)?.planned)).toEqual(jobs)
  expect(board.volumes.listIn('UNKNOWN').size).toBe(2)
})
