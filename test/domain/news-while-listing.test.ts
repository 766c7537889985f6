import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { relist } from '../../src/domain/listing.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'

test('a backup that is reported before the daemon answers with an older list stays in the catalog', async () => {
  const { world, catalog, daemons } = await given
    .app('hello')
    .proc('web')
    .on(IP)
    .volume('/data/db')
    .inMemory()
  await world.background.settled()
  const daemon = daemons.at(IP)
  const answer = Promise.withResolvers<void>()
  daemon.asked.length = 0
  daemon.hang = answer.promise
  const listed = relist(world, IP, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
  await expect.poll(() => daemon.asked).toContain('backups')
  const record = sampleRecord({
    rid: ridOf(1),
    state: 'success',
    end: '2026-11-23T08:45:00Z',
    result: { backup: sampleBackup() },
  })
  await acceptNews(
    world,
    { protocol: 2, daemonId: 'x', server: IP, records: [record], running: [] },
    { from: IP },
  )
  answer.resolve()
  expect(await listed).toMatchObject({ removed: 0 })
  expect((await catalog.backups.count({})).count).toBe(1)
})
