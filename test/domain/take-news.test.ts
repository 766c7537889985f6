import { expect, test } from 'vitest'
import { acceptNews } from '../../src/domain/accept-news.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const end = '2026-11-23T08:45:00Z'

/** The series of the volume, as a run reports it. */
function seriesOf(snapshots: number) {
  const series = { snapshots, newest: 'a'.repeat(64), lastGood: null }
  return sampleBackup({ name: 'hello-hello.web.web-1-data-db', mode: 'increment', series })
}

function backupRun(n: number, snapshots: number): RunRecord {
  return sampleRecord({ rid: ridOf(n), state: 'success', end, result: { backup: seriesOf(snapshots) } })
}

function expireRun(n: number, snapshots: number): RunRecord {
  const result = { deletedSnapshots: ['b'.repeat(64)], changed: [seriesOf(snapshots)] }
  return sampleRecord({ rid: ridOf(n), jobId: '', action: 'backup_expire', state: 'success', end, result })
}

/** A controller that knows a series of five snapshots. */
async function fiveSnapshots() {
  const { world, daemons } = await given.app('hello').proc('web').on(IP).volume('/data/db').inMemory()
  const daemon = daemons.at(IP)
  const accept = async (...records: RunRecord[]) => {
    daemon.asked.length = 0
    await acceptNews(world, { protocol: 2, daemonId: 'x', server: IP, records, running: [] }, { from: IP })
    await world.background.settled()
    return daemon.asked.includes('backups')
  }
  daemon.backups = [seriesOf(5)]
  await accept(backupRun(1, 5))
  return accept
}

test('a series that grew by more than the snapshot of the run is listed again', async () => {
  const accept = await fiveSnapshots()
  expect(await accept(backupRun(2, 7))).toBe(true)
})

test('a series that shrank although nobody reported it is listed again', async () => {
  const accept = await fiveSnapshots()
  expect(await accept(backupRun(2, 4))).toBe(true)
})

test('a series that is as the runs before have left it is not listed again', async () => {
  const accept = await fiveSnapshots()
  expect(await accept(backupRun(2, 6))).toBe(false)
  expect(await accept(expireRun(3, 3), backupRun(4, 4))).toBe(false)
  expect(await accept(backupRun(5, 5), backupRun(6, 6))).toBe(false)
})

test('news of a run that is known already lists nothing again', async () => {
  const accept = await fiveSnapshots()
  expect(await accept(backupRun(2, 6))).toBe(false)
  expect(await accept(backupRun(3, 7))).toBe(false)
  expect(await accept(backupRun(2, 6))).toBe(false)
})
