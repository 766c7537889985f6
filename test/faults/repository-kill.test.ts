import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { makeKillableTasks } from '../support/killable-tasks.ts'
import { randomOf } from '../support/random-edits.ts'
import type { Task } from '../support/repository-tasks.ts'
import { hasRestic } from '../support/restic.ts'

const KILLS = 50
/** Each takes half a minute on a busy machine: KILLS_ON_SWIFT=50 for as many as in a folder. */
const KILLS_ON_SWIFT = Number(process.env.KILLS_ON_SWIFT ?? 5)
/** A prune has the most moments at which things lie half done. */
const TASKS: Task[] = ['backup', 'prune', 'forget', 'prune', 'backup']
/** What is to be done first, so that a task has something to do. */
const BEFORE: Record<Task, Task[]> = { backup: [], forget: ['backup'], prune: ['backup', 'forget'] }

/** Kills tasks at random moments, and checks the repository after each. */
async function survive(seed: number, most: number, bucket?: S3Settings): Promise<void> {
  const world = await makeKillableTasks(seed, bucket)
  const random = randomOf(seed)
  const took: Record<Task, { calls: number; ms: number }> = {
    backup: await world.complete('backup'),
    forget: await world.complete('forget'),
    prune: await world.complete('prune'),
  }
  let kills = 0
  for (let round = 0; kills < most; round++) {
    expect(round, 'rounds to hit the moments').toBeLessThan(3 * most)
    const task = TASKS[round % TASKS.length] ?? 'prune'
    world.edits.edit(5)
    for (const before of BEFORE[task]) await world.complete(before)
    const { calls, ms } = took[task]
    const moment = round % 2 === 0 ? { nth: 1 + Math.floor(random() * calls) } : { ms: random() * ms }
    if (!(await world.kill(task, moment))) continue
    kills++
    expect(world.check, `${task} killed at ${JSON.stringify(moment)}`).not.toThrow()
    took[task] = await world.complete(task)
  }
  await world.complete('prune')
  expect(world.check).not.toThrow()
  expect(await world.differences()).toEqual([])
  expect(await world.leftOvers()).toEqual([])
}

describe.skipIf(!hasRestic)('kill -9 (needs restic)', () => {
  const seed = randomInt(2 ** 31)

  it(`${KILLS} random moments of backup, forget and prune leave it intact, and the next run works (seed ${seed})`, async () => {
    await survive(seed, KILLS)
  }, 600_000)

  describeSwift('with the repository in a bucket of a real Swift', (place) => {
    it(`${KILLS_ON_SWIFT} random moments leave it intact, too (seed ${seed})`, async () => {
      await survive(seed, KILLS_ON_SWIFT, place.settings)
    }, 3_600_000)
  })
})
