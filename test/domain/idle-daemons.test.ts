import { expect, test } from 'vitest'
import { acceptLegacyRecord } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { LOST_AFTER_MS } from '../../src/domain/lost-records.ts'
import { TURN_MS } from '../../src/domain/own-stalls.ts'
import { getRecord } from '../../src/domain/records.ts'
import { POLL_EVERY_MS } from '../../src/domain/servers.ts'
import { NEVER } from '../../src/lib/clock.ts'
import { ridOf } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const RID = ridOf(1)
const hello = given.app('hello').proc('web').on(IP).volume('/data/db')

test('a legacy daemon was not idle while nobody asked it', async () => {
  const legacy = { protocol: undefined, capabilities: undefined, daemonId: undefined }
  const kit = await hello.daemon(IP, legacy).inMemory()
  const job = kit.world.inventory.plan.jobs.find(({ volume }) => volume)?.job
  if (!job) throw new Error('there is no job')
  const run = { ...job, rid: RID, state: 'running', start: '2026-11-23T10:00:00Z', end: NEVER } as const
  await acceptLegacyRecord(kit.world, { ...run, result: null, reason: '' }, { from: IP })
  const { debug } = kit.daemons.at(IP)
  const poll = async (ms: number) => {
    kit.clock.move(ms)
    kit.world.stalls.noteTurn()
    tick(kit.world)
    await kit.world.background.settled()
  }
  const state = async () => (await getRecord(kit.world, RID))?.state
  debug.running_tasks = 1
  for (let ms = 0; ms < 2 * LOST_AFTER_MS; ms += TURN_MS) await poll(TURN_MS)
  debug.running_tasks = 0
  for (let ms = 0; ms < POLL_EVERY_MS; ms += TURN_MS) await poll(TURN_MS)
  await poll(LOST_AFTER_MS)
  await poll(TURN_MS)
  expect(await state()).toBe('running')
  for (let ms = 0; ms < LOST_AFTER_MS + POLL_EVERY_MS; ms += TURN_MS) await poll(TURN_MS)
  expect(await state()).toBe('lost')
})
