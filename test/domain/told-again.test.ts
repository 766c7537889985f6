import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { relist } from '../../src/domain/listing.ts'
import { MINUTE, pass } from '../support/alarm-kit.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const pinned = sampleBackup({ name: 'pinned', rid: ridOf(1) })
const deleted = sampleBackup({ name: 'deleted', rid: ridOf(2) })

test('a catalog that was lost believes the store, not the reports of old runs that daemons send once more', async () => {
  const kit = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const { world, catalog, daemons } = kit
  daemons.at(IP).backups = [{ ...pinned, holds: ['pin'] }]
  await relist(world, IP, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
  const records = [pinned, deleted].map((backup) =>
    sampleRecord({ rid: backup.rid ?? '', state: 'success', result: { backup: { ...backup, holds: [] } } }),
  )
  await acceptNews(world, { protocol: 2, daemonId: 'x', server: IP, records, running: [] }, { from: IP })
  await pass(kit, world, MINUTE)
  const names = ['pinned', 'deleted']
  const [kept, gone] = await Promise.all(names.map((name) => catalog.backups.get(IP, name)))
  expect([kept?.holds, gone]).toEqual([['pin'], undefined])
})
