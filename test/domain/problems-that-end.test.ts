import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import type { RecordStore } from '../../src/domain/ports.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/domain/servers.ts'
import { sampleRecord } from '../support/catalog-samples.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'
import { unreachable } from '../support/memory-daemons.ts'

const [IP, OTHER] = ['10.0.0.1', '10.0.0.2'] as const
const hello = given.app('hello').proc('web').on(IP).volume('/data/db')

/** Lets time pass in steps of a second, in which every due poll is made. */
async function pass({ world, clock }: InMemory, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    clock.move(1000)
    pollDue(world)
    await world.background.settled()
  }
}

test('a list of jobs that cannot be read after news is not a problem once the daemon answers', async () => {
  const kit = await hello.inMemory()
  await pass(kit, POLL_EVERY_MS)
  const news = { protocol: 2 as const, daemonId: 'x', server: IP, records: [sampleRecord()], running: [] }
  await acceptNews(kit.world, news, { from: IP })
  kit.daemons.at(IP).down = true
  await pass(kit, 3000)
  expect(kit.world.servers.get(IP)?.silentSince).not.toBeNull()
  kit.daemons.at(IP).down = false
  await pass(kit, POLL_EVERY_MS)
  expect(kit.world.servers.get(IP)).toMatchObject({ silentSince: null, scheduleStale: false })
  expect(kit.world.problems.list()).toEqual([])
})

test('backups that cannot be listed are no problem once their server is gone', async () => {
  const kit = await hello.proc('db').on(OTHER).volume('/data/sql').inMemory()
  const refusing = Promise.reject(unreachable(OTHER))
  refusing.catch(() => {})
  kit.daemons.at(OTHER).hangsAt.set('backups', refusing)
  const server = kit.world.servers.get(OTHER)
  Object.assign(server ?? {}, { listingStale: true, relistAt: 0 })
  await pass(kit, POLL_EVERY_MS)
  expect(kit.world.problems.list()).toHaveLength(1)
  await kit.take(hello.inventory())
  await pass(kit, POLL_EVERY_MS)
  expect(kit.world.servers.has(OTHER)).toBe(false)
  expect(kit.world.problems.list()).toEqual([])
})

test('the last runs of a server are recalled at a later poll if the catalog did not answer at first', async () => {
  let isBroken = false
  const wrapRecords = (records: RecordStore): RecordStore => ({
    ...records,
    lastOfJobs: (ids) => (isBroken ? Promise.reject(new Error('it is busy')) : records.lastOfJobs(ids)),
  })
  const kit = await hello.inMemory({ wrapRecords })
  const [jobId = ''] = kit.jobIds()
  const record = sampleRecord({ jobId, server: IP, state: 'lost' })
  await kit.world.ledger.apply([record])
  isBroken = true
  const world = await kit.reopen()
  await pass({ ...kit, world }, 1000)
  const listProblems = () => world.problems.list().map(({ text }) => text)
  expect(listProblems()).toEqual([`Cannot recall the last runs of ${IP}: it is busy. It is tried again`])
  isBroken = false
  await pass({ ...kit, world }, POLL_EVERY_MS)
  expect(listProblems()).toEqual([expect.stringContaining('is lost')])
})
