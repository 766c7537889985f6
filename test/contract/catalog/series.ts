import { expect, test } from 'vitest'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { type MakePlace, openEmpty } from './place.ts'

const { source } = sampleBackup()
const NAME = 'hello-hello.web.web-1-data-db'

function sampleSeries(changes: Partial<BackupInfo> = {}): BackupInfo {
  const created = '2030-01-01T00:00:00.000Z'
  const series = { snapshots: 2, newest: 'ab'.repeat(32), lastGood: { id: 'cd'.repeat(32), created } }
  return sampleBackup({ name: NAME, mode: 'increment', sha256: null, created, series, ...changes })
}
function told(n: number, backup: BackupInfo, end = `2030-01-01T00:00:${String(n).padStart(2, '0')}.000Z`) {
  return sampleRecord({ rid: ridOf(n), state: 'success', end, result: { backup } })
}

/** How a catalog keeps the series of increments. */
export function seriesDemands(makePlace: MakePlace): void {
  test('a series is kept with its counts, and follows its newest snapshot', async () => {
    const { records, backups } = await openEmpty(makePlace)
    await records.apply([told(1, sampleSeries())])
    expect(await backups.get('10.0.0.1', NAME)).toEqual(sampleSeries())
    const series = { snapshots: 3, newest: 'ef'.repeat(32), lastGood: null }
    await records.apply([told(2, sampleSeries({ series, size: 7 }))])
    expect(await backups.get('10.0.0.1', NAME)).toMatchObject({ size: 7, series })
  })

  test('a series that lost snapshots by expiry is updated by the run that expired them', async () => {
    const { records, backups } = await openEmpty(makePlace)
    await records.apply([told(1, sampleSeries())])
    const series = { snapshots: 1, newest: 'ab'.repeat(32), lastGood: null }
    const result = { changed: [sampleSeries({ series })], deletedSnapshots: ['cd'.repeat(32)] }
    const expire = sampleRecord({ rid: ridOf(2), state: 'success', end: '2030-01-01T00:01:00.000Z', result })
    await records.apply([expire])
    expect(await backups.get('10.0.0.1', NAME)).toMatchObject({ series: { snapshots: 1 } })
  })

  test('a deleted series stays deleted after late news, and returns with its next run', async () => {
    const { records, backups } = await openEmpty(makePlace)
    await records.apply([told(1, sampleSeries())])
    await backups.remove('10.0.0.1', [NAME])
    await records.apply([told(2, sampleSeries({ created: '2020-01-01T00:00:00.000Z' }))])
    expect(await backups.get('10.0.0.1', NAME)).toBeUndefined()
    await records.apply([told(3, sampleSeries({ created: '2100-01-01T00:00:00.000Z' }))])
    expect(await backups.get('10.0.0.1', NAME)).toMatchObject({ created: '2100-01-01T00:00:00.000Z' })
  })

  test('the last good backup of a volume is the later of its newest archive and the last good snapshot', async () => {
    const { records, backups } = await openEmpty(makePlace)
    const lastGood = async () => {
      const last = await backups.lastGood([{ server: '10.0.0.1', source }])
      return last.get(`10.0.0.1 ${source}`)?.name
    }
    const good = (created: string) => ({ id: 'cd'.repeat(32), created })
    const series = { snapshots: 2, newest: 'ab'.repeat(32), lastGood: good('2029-12-30T00:00:00.000Z') }
    const partial = sampleSeries({ state: 'partial', series })
    await records.apply([
      told(1, sampleBackup({ name: 'full', sequence: 9, created: '2029-12-31T00:00:00.000Z' })),
    ])
    await records.apply([told(2, partial)])
    expect(await lastGood()).toBe('full')
    const better = { ...series, lastGood: good('2029-12-31T12:00:00.000Z') }
    await records.apply([told(3, { ...partial, series: better })])
    expect(await lastGood()).toBe(NAME)
    await records.apply([told(4, { ...partial, series: { ...series, lastGood: null } })])
    expect(await lastGood()).toBe('full')
  })
}
