import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { given } from '../support/given.ts'
import { mountHung, mountWithoutServer, noHungMounts } from '../support/hung-mount.ts'

const title = 'a dead and a hung mount inside a volume are named, and neither entered nor waited for'

it(title, { timeout: 120_000 }, async ({ skip }) => {
  if (noHungMounts !== undefined) skip(noHungMounts)
  const world = await given.app('hello').proc('web').volume('/data/db').running()
  writeFileSync(`${world.volume}/a`, 'a')
  mountWithoutServer(`${world.volume}/dead`)
  await mountHung(`${world.volume}/hung`)
  const hello = given.app('hello').proc('web').on('127.0.0.1').volume('/data/db')
  const inventory = hello.schedule().schedule({ mode: 'increment' }).inventory()
  world.inventory.tell({ kind: 'inventory', inventory })
  const listJobs = async () =>
    (
      await world.ask<{ jobs: { id: string; nextRun: string | null }[] }>(
        '{ jobs(filter: { action: "backup" }) { id nextRun } }',
      )
    ).jobs
  const expected = [
    { id: expect.any(String), nextRun: expect.any(String) },
    { id: expect.any(String), nextRun: expect.any(String) },
  ]
  await expect.poll(listJobs, { timeout: 30_000 }).toEqual(expected)
  for (const { id } of await listJobs()) {
    const { runJob } = await world.ask<{ runJob: { rid: string } }>(
      'mutation ($id: ID!) { runJob(id: $id) { rid } }',
      { id },
    )
    const { state, warnings } = await world.ended(runJob.rid)
    const noted = 'is a mount point: what is mounted there is not part of the volume'
    expect({ state, warnings: warnings.filter((one) => one.includes('mount point')).sort() }).toEqual({
      state: 'SUCCESS',
      warnings: [`dead: ${noted}`, `hung: ${noted}`],
    })
  }
})
