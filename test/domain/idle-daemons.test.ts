import { expect, test } from 'vitest'
import { acceptLegacyRecord } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS } from '../../src/domain/lost-records.ts'
import { getRecord } from '../../src/domain/records.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { ridOf } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const RID = ridOf(1)
const hello = given.app('hello').proc('web').on(IP).volume('/data/db')

test('a legacy daemon was not idle while nobody asked it', async () => {
  const legacy = { protocol: undefined, capabilities: undefined, daemonId: undefined }
  const kit = await hello.daemon(IP, legacy).inMemory()
  const job = [...kit.world.inventory.plan.jobs.values()].find(({ volume }) => volume)?.job
  if (!job) throw new Error('there is no job')
  const run = { ...job, rid: RID, state: 'running', start: '2026-11-23T10:00:00Z', end: NEVER } as const
  await acceptLegacyRecord(kit.world, { ...run, result: null, reason: '' }, { from: IP })
  const poll = async () => {
    tick(kit.world)
    await kit.world.background.settled()
  }
  await poll()
  kit.world.stalls.noteTurn()
  kit.clock.move(LOST_AFTER_MS)
  kit.world.stalls.noteTurn()
  await poll()
  await poll()
  expect((await getRecord(kit.world, RID))?.state).toBe('running')
})
