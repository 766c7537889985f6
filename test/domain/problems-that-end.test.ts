import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
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

test('a list of jobs that cannot be read after news is no problem once the daemon answers', async () => {
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
