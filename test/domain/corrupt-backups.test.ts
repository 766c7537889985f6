import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import { tick } from '../../src/domain/controller.ts'
import { deleteBackups } from '../../src/domain/delete-backups.ts'
import { listServerFaults } from '../../src/domain/server-state.ts'
import type { BackupInfo } from '../../src/wire/backup.ts'
import { sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const NAME = sampleBackup().name

async function corruptInTheStore() {
  const kit = await given.daemon(IP).inMemory()
  const daemon = kit.daemons.at(IP)
  daemon.backups = [sampleBackup({ corrupt: 'its checksum differs' })]
  await kit.take(given.app('hello').proc('web').on(IP).volume('/data/db').inventory())
  const faults = () => listServerFaults(kit.world.servers.get(IP)!, kit.world.problems.listAbout(IP))
  return { ...kit, daemon, faults }
}

test('a corrupt backup is a problem of its server, also after a restart, until it is deleted', async () => {
  const { world, faults, log, reopen } = await corruptInTheStore()
  expect(faults()).toEqual([expect.stringContaining(`A backup of ${IP} is corrupt: "${NAME}"`)])
  expect(faults()).toEqual([expect.stringContaining('Do not delete an increment')])
  expect(log.lines.filter((line) => line.includes('corrupt'))).toHaveLength(1)
  expect((await reopen()).problems.list()).toMatchObject([{ about: IP }])

  await deleteBackups(world, { app: 'hello', proc: 'web', names: [NAME], needsNoPlan: true })
  expect(faults()).toEqual([])
})

test('a backup whose manifest cannot be read is a problem of its own, because it cannot be deleted as it is', async () => {
  const { world, daemon, clock, faults } = await corruptInTheStore()
  const unreadable = sampleBackup({ name: 'x-1.tar.gz', rid: null, sequence: 0, corrupt: 'its manifest' })
  const relist = async (backups: BackupInfo[]) => {
    daemon.backups = backups
    world.servers.get(IP)!.listingStale = true
    clock.move(31_000)
    tick(world)
    await world.background.settled()
  }
  await relist([sampleBackup({ corrupt: 'its checksum differs' }), unreadable])
  const corrupt = expect.stringMatching(/^A backup of 10\.0\.0\.1 is corrupt: .*delete the corrupt archive/)
  const advice =
    /^The manifest of a backup of 10\.0\.0\.1 cannot be read: "x-1\.tar\.gz"\. .*remove NAME\.manifest\.json/
  expect(faults().toSorted()).toEqual([corrupt, expect.stringMatching(advice)])
  await relist([unreadable])
  expect(faults()).toEqual([expect.stringMatching(advice)])
  await relist([])
  expect(faults()).toEqual([])
})

test('news of a corrupt backup is a problem at once, until a list shows it intact', async () => {
  const { world, daemon, clock, faults } = await corruptInTheStore()
  const second = sampleBackup({ name: NAME.replace('.tar', '1.tar'), sequence: 2, corrupt: 'cut short' })
  const record = sampleRecord({
    seq: 2,
    state: 'partial',
    end: '2026-11-23T08:45:00Z',
    result: { backup: second },
  })
  await acceptNews(
    world,
    { protocol: 2, daemonId: 'x', server: IP, records: [record], running: [] },
    { from: IP },
  )
  expect(faults()).toEqual([expect.stringContaining(`2 backups of ${IP} are corrupt`)])

  daemon.backups = [sampleBackup(), { ...second, corrupt: null }]
  world.servers.get(IP)!.listingStale = true
  clock.move(31_000)
  tick(world)
  await world.background.settled()
  expect(faults()).toEqual([])
})

test('news of a newer state that replaces the last corrupt backup ends the problem at once', async () => {
  const { world, faults } = await corruptInTheStore()
  const record = sampleRecord({
    seq: 2,
    state: 'success',
    end: '2026-11-23T08:45:00Z',
    result: { backup: sampleBackup({ corrupt: null, sequence: 2 }) },
  })
  await acceptNews(
    world,
    { protocol: 2, daemonId: 'x', server: IP, records: [record], running: [] },
    { from: IP },
  )
  expect(faults()).toEqual([])
})
