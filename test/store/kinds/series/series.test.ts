import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../../src/lib/error-codes.ts'
import { BackupdError } from '../../../../src/lib/errors.ts'
import type { SnapshotFile } from '../../../../src/restic/nodes/snapshot-file.ts'
import { findSnapshot } from '../../../../src/store/kinds/series/find-snapshot.ts'
import { groupSeries, makeTags, readSeries } from '../../../../src/store/kinds/series/series.ts'
import { makeSeriesInfo } from '../../../../src/store/kinds/series/series-info.ts'
import { faultyLocal } from '../../../support/faulty-local.ts'
import { given } from '../../../support/given.ts'
import { publishSample } from '../../../support/sample-backups.ts'
import { putSnapshots, sampleFacts, sampleSnapshot } from '../../../support/snapshot-samples.ts'
import { ARCHIVE, IP, SOURCE, T0 } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'

function seriesOf(...files: SnapshotFile[]) {
  const snapshots = files.map((file, n) => {
    const id = `${'abcdef'[n]}${String(n).repeat(63)}`
    return { id, file, createdMs: Date.parse(file.time), corrupt: null }
  })
  return groupSeries(snapshots, IP)
}

const ours = (sequence: number, seconds: number, changes: Partial<SnapshotFile> = {}) =>
  sampleSnapshot({ backupd: sampleFacts({ sequence }), ...changes }, seconds)
const ofRestic = (seconds: number, changes: Partial<SnapshotFile> = {}) =>
  sampleSnapshot({ backupd: null, tags: [], ...changes }, seconds)

describe('snapshots', () => {
  test('have the order in which they were made, whatever the clock was', () => {
    const [series] = seriesOf(ours(2, T0 - 500), ours(3, T0 - 400), ours(1, T0))
    expect(series?.snapshots.map(({ file }) => file.backupd?.sequence)).toEqual([1, 2, 3])
  })

  test('of restic belong to the volume with their host and path', () => {
    const [series, ...others] = seriesOf(ours(1, T0), ofRestic(T0 + 10), ours(2, T0 + 20))
    expect(others).toEqual([])
    expect(series?.name).toBe(ARCHIVE)
    expect(series?.snapshots.map(({ file }) => file.backupd?.sequence)).toEqual([1, undefined, 2])
  })

  test('of restic that are younger than all of ours come last', () => {
    const [series] = seriesOf(ours(1, T0), ours(2, T0 + 10), ofRestic(T0 + 20))
    expect(series?.snapshots.map(({ file }) => file.backupd?.sequence)).toEqual([1, 2, undefined])
  })

  test('with similar ids are shown with more digits of the id', () => {
    const [series] = seriesOf(ours(1, T0), ours(2, T0 + 1))
    if (!series) throw new Error('no series')
    const alike = series.snapshots.map((one, n) => ({ ...one, id: `abcd${n}`.padEnd(64, '0') }))
    const of = { ...series, snapshots: alike }
    expect(() => findSnapshot(of, 'abcd')).toThrow('fits 2 snapshots')
    expect(findSnapshot(of, 'abcd1')).toBe(alike[1])
  })

  test('of another host or path are a series of their own', () => {
    const strange = [ofRestic(T0, { hostname: 'laptop' }), ofRestic(T0, { paths: ['/srv/x'] })]
    const names = seriesOf(ours(1, T0), ...strange).map(({ name }) => name)
    expect(names).toEqual([`${IP}--srv-x`, ARCHIVE, `laptop-${SOURCE.replaceAll('/', '-')}`])
  })

  test('of several paths are a series of their own', () => {
    const several = ofRestic(T0 + 10, { paths: [SOURCE, '/etc'] })
    expect(seriesOf(ours(1, T0), several).map(({ name }) => name)).toEqual([
      `${IP}-${SOURCE.replaceAll('/', '-')}--etc`,
      ARCHIVE,
    ])
  })

  test('with a tag that leads elsewhere are named by host and path', () => {
    const names = seriesOf(ofRestic(T0, { tags: ['backup=../x'] })).map(({ name }) => name)
    expect(names).toEqual([`${IP}-${SOURCE.replaceAll('/', '-')}`])
  })

  test('are found by the first digits of their id, and the newest without one', () => {
    const [series] = seriesOf(ours(1, T0), ours(2, T0 + 1))
    if (!series) throw new Error('no series')
    expect(findSnapshot(series, null).file.backupd?.sequence).toBe(2)
    expect(findSnapshot(series, 'a000').file.backupd?.sequence).toBe(1)
    expect(() => findSnapshot(series, 'ffff')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    for (const bad of ['a', '../x', 'A000'])
      expect(() => findSnapshot(series, bad)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})

test('a series shows the facts of its newest snapshot, and its last good one', () => {
  const partial = sampleFacts({ sequence: 2, state: 'partial', bytes: 99 })
  const [series] = seriesOf(
    ours(1, T0),
    sampleSnapshot({ backupd: partial, tags: makeTags(ARCHIVE, 'rid-2', true) }, T0 + 5),
  )
  if (!series) throw new Error('no series')
  const info = makeSeriesInfo(IP, series)
  expect(info).toMatchObject({
    name: ARCHIVE,
    mode: 'increment',
    size: 99,
    state: 'partial',
    rid: 'rid-2',
    sequence: 2,
  })
  expect(info).toMatchObject({ app: 'hello', proc: 'hello.web.web', volume: '/data/db', source: SOURCE })
  expect(info.series).toEqual({
    snapshots: 2,
    newest: series.snapshots[1]?.id,
    oldestCreated: new Date(T0 * 1000).toISOString(),
    lastGood: { id: series.snapshots[0]?.id, created: new Date(T0 * 1000).toISOString() },
  })
})

test('a series whose facts restic removed is named by its tag', () => {
  const [series] = seriesOf(ofRestic(T0, { tags: makeTags('shop-shop.web.web-3-data', 'rid', false) }))
  if (!series) throw new Error('no series')
  expect(makeSeriesInfo(IP, series)).toMatchObject({ app: 'shop', proc: 'shop.web.web', state: 'success' })
})

describe('of two snapshots, one that cannot be read', () => {
  /** The first one fails with `code`; returns how many are left, and the warnings. */
  async function readWithout(code: ErrorCode, isStoreGone = false) {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, warnings } = await given.withSnapshots(2).store({ dir, driver })
    await using repository = await store.ownRepository()
    // The notes of damage, of proofs, of holds and of what is hidden are read first.
    driver.fail('open').at(5).with(new BackupdError(code, 'no answer'))
    if (isStoreGone) driver.fail('check').with(new BackupdError(code, 'the store is gone'))
    const [series] = await readSeries(repository, IP)
    return { left: series?.snapshots.length, warnings }
  }

  test('is left out with a warning if it is damaged, or if the store is well', async () => {
    for (const code of ['REPOSITORY_DAMAGED', 'SNAPSHOT_CORRUPT', 'STORE_UNAVAILABLE'] as const) {
      const warnings = [expect.stringMatching(/is left out: no answer/)]
      expect(await readWithout(code)).toEqual({ left: 1, warnings })
    }
  })

  test('is no longer a snapshot if it was deleted meanwhile', async () => {
    expect(await readWithout('NOT_FOUND')).toEqual({ left: 1, warnings: [] })
  })

  test('fails the read if the store is gone, or for any other reason', async () => {
    await expect(readWithout('STORE_UNAVAILABLE', true)).rejects.toThrow('the store is gone')
    for (const code of ['STORE_FULL', 'CANCELLED', 'INTERNAL'] as const)
      await expect(readWithout(code)).rejects.toThrow('no answer')
  })
})

describe('the list of backups', () => {
  test('has series among the archives, by name, page by page', async () => {
    const { store } = await given.store()
    await store.preparePassword()
    await publishSample(store)
    await publishSample(store, { archive: 'zz-zz.web.web-1-a', source: '/zz' })
    const b = sampleSnapshot({ paths: ['/b'], tags: makeTags('b', 'rid-2', false) })
    await putSnapshots(store, sampleSnapshot(), b)
    const all = (await store.list(IP, { limit: 9 })).backups.map(({ name }) => name)
    expect(all).toHaveLength(4)
    expect(all).toEqual(all.toSorted())
    expect(all).toEqual(expect.arrayContaining(['b', ARCHIVE]))
    const paged: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const page: Awaited<ReturnType<typeof store.list>> = await store.list(IP, { after, limit: 1 })
      expect(page.backups.length).toBeLessThanOrEqual(1)
      paged.push(...page.backups.map(({ name }) => name))
      after = page.next
    }
    expect(paged).toEqual(all)
    expect((await store.list(IP, { source: '/b', limit: 9 })).backups.map(({ name }) => name)).toEqual(['b'])
  })

  test('reports increments that cannot be opened, and has the rest', async () => {
    const { store, dir, warnings, backups } = await given.withBackups(1).withSnapshots(1).store()
    writeFileSync(join(dir, '.repository-password'), 'another')
    const page = await store.list(IP, { limit: 9 })
    expect(page.backups.map(({ name }) => name)).toEqual([backups[0].name])
    expect(page.unread).toContain(IP)
    expect(warnings.join()).toContain('password')
  })

  test('hides no snapshot because another one is damaged', async () => {
    const { store, dir, warnings, snapshots } = await given.withSnapshots(2).store()
    const [, bad] = snapshots
    writeFileSync(join(dir, IP, 'repo/snapshots', bad), 'x'.repeat(200))
    const page = await store.list(IP, { limit: 9 })
    expect(page.backups).toMatchObject([{ name: ARCHIVE, series: { snapshots: 1 } }])
    expect(warnings.join()).toContain(bad.slice(0, 8))
  })
})
