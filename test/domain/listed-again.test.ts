import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'

test('a backup that a restarted daemon published is in the catalog, although its record failed', async () => {
  const { world, catalog, daemons } = await given
    .app('hello')
    .proc('web')
    .on(IP)
    .volume('/data/db')
    .inMemory()
  await world.background.settled()
  daemons.at(IP).backups = [sampleBackup()]
  const message = 'The daemon stopped while this ran: run it again'
  const record = sampleRecord({
    rid: ridOf(1),
    seq: 9,
    state: 'failed',
    end: '2026-11-23T08:45:00Z',
    reason: message,
    error: { code: 'DAEMON_RESTARTED', message, facts: { outcome: null } },
    result: null,
  })
  const before = await catalog.backups.count({})
  await acceptNews(
    world,
    { protocol: 2, daemonId: 'x', server: IP, records: [record], running: [] },
    { from: IP },
  )
  await world.background.settled()
  expect([before.count, (await catalog.backups.count({})).count]).toEqual([0, 1])
})
