import { describe, expect, test } from 'vitest'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import type { BackupFilter } from '../../../src/wire/listing.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { catalogWith, type MakePlace, openEmpty } from './place.ts'

/** How a catalog keeps and lists backups. */
export function backupDemands(makePlace: MakePlace): void {
  test('a backup is stored completely', async () => {
    const nulls = {
      rid: null,
      jobId: null,
      sha256: null,
      files: null,
      bytes: null,
      durability: null,
      hasIndex: false,
    }
    const odd = {
      name: 'odd',
      suspect: 'empty',
      corrupt: 'a byte flipped',
      verified: '2026-01-01T00:00:00Z',
      holds: ['h'],
    }
    const { backups } = await catalogWith(
      makePlace,
      {},
      { ...nulls, ...odd, state: 'partial', mode: 'increment' },
    )
    expect(await backups.get('10.0.0.1', sampleBackup().name)).toEqual(sampleBackup())
    expect(await backups.get('10.0.0.1', 'odd')).toEqual(
      sampleBackup({ ...nulls, ...odd, state: 'partial', mode: 'increment' }),
    )
    expect(await backups.get('10.0.0.2', 'odd')).toBeUndefined()
  })

  test('the corrupt backups of a server, or of all, are counted, and the newest three are named', async () => {
    const days = ['05', '03', '01', '04', '02'].map((day) => ({
      name: `day ${day}`,
      created: `2026-01-${day}T00:00:00Z`,
      corrupt: 'a byte flipped',
    }))
    const { backups } = await catalogWith(
      makePlace,
      ...days,
      { name: 'whole' },
      { server: '10.0.0.2', name: 'other', corrupt: 'cut' },
      { server: '10.0.0.2', name: 'unreadable', corrupt: 'its manifest', rid: null },
      { server: '10.0.0.3', name: 'whole' },
    )
    const own = { server: '10.0.0.1', isUnreadable: false, count: 5, names: ['day 05', 'day 04', 'day 03'] }
    expect(await backups.corrupt('10.0.0.1')).toEqual([own])
    expect(await backups.corrupt('10.0.0.3')).toEqual([])
    const all = await backups.corrupt()
    expect(all.toSorted((a, b) => a.server.localeCompare(b.server))).toEqual([
      own,
      { server: '10.0.0.2', isUnreadable: false, count: 1, names: ['other'] },
      { server: '10.0.0.2', isUnreadable: true, count: 1, names: ['unreadable'] },
    ])
  })

  test('the servers that it has backups of are listed once each', async () => {
    const { backups } = await catalogWith(
      makePlace,
      { name: 'a' },
      { name: 'b' },
      { server: '10.0.0.2', name: 'c' },
    )
    expect((await backups.namespaces()).toSorted()).toEqual(['10.0.0.1', '10.0.0.2'])
    await backups.remove('10.0.0.2', ['c'])
    expect(await backups.namespaces()).toEqual(['10.0.0.1'])
  })

  describe('lists of backups', () => {
    const four = [
      { name: 'a', created: '2026-01-01T00:00:00Z', sequence: 1 },
      { name: 'b', created: '2025-12-31T00:00:00.25Z', sequence: 2 },
      { name: 'c', created: '2026-01-03T00:00:00Z', sequence: 1, volume: '/w', mode: 'increment' },
      {
        name: 'd',
        created: '2026-01-02T00:00:00Z',
        sequence: 9,
        server: '10.0.0.2',
        app: 'b',
        proc: 'b.web.web',
        instanceNo: 2,
      },
    ] as const satisfies Partial<BackupInfo>[]
    const oneVolume = {
      server: '10.0.0.1',
      app: 'hello',
      proc: 'hello.web.web',
      volumes: ['/data/db'],
      instanceNo: 1,
    }

    test.each<[string, BackupFilter, string]>([
      ['several volumes by their time', {}, 'cdab'],
      ['one volume by its sequence, whatever the clock said', oneVolume, 'ba'],
      ['an app', { app: 'hello' }, 'cab'],
      ['a proc and its volumes', { proc: 'hello.web.web', volumes: ['/w', '/x'] }, 'c'],
      ['an instance', { instanceNo: 2 }, 'd'],
      ['a mode', { mode: 'increment' }, 'c'],
      ['a server', { server: '10.0.0.2' }, 'd'],
      ['names', { names: ['a', 'd', 'z'] }, 'da'],
      ['a span of time', { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' }, 'da'],
    ])('%s', async (_, filter, expected) => {
      const { backups } = await catalogWith(makePlace, ...four)
      const seen: string[] = []
      let after: string | undefined
      for (let more = true; more; ) {
        const page = await backups.find(filter, { first: 1, after })
        expect(await backups.count(filter)).toEqual({ count: expected.length, isCapped: false })
        seen.push(...page.items.map(({ node }) => node.name))
        after = page.items.at(-1)?.cursor
        more = page.hasNextPage
      }
      expect(seen.join('')).toBe(expected)
    })

    test('give the newest good backup of each volume', async () => {
      const { backups } = await catalogWith(
        makePlace,
        { name: 'a1', sequence: 1 },
        { name: 'a2', sequence: 2 },
        { name: 'a3', sequence: 3, suspect: 'empty where it was not' },
        { name: 'a4', sequence: 4, corrupt: 'a byte flipped' },
        { name: 'a5', sequence: 5, state: 'partial' },
        { name: 'b', source: '/b', suspect: 'empty where it was not' },
        { name: 'c', source: '/c', server: '10.0.0.2' },
      )
      const { source } = sampleBackup()
      const keys = [source, '/b', '/c'].flatMap((path) => [
        { server: '10.0.0.1', source: path },
        { server: '10.0.0.2', source: path },
      ])
      const last = await backups.lastGood(keys)
      const names = Object.fromEntries([...last].map(([key, { name }]) => [key, name]))
      expect(names).toEqual({ [`10.0.0.1 ${source}`]: 'a2', '10.0.0.2 /c': 'c' })
    })
  })

  describe('a deleted backup', () => {
    test('stays deleted if late news mentions it', async () => {
      const { records, backups } = await catalogWith(makePlace, { name: 'a' })
      await backups.remove('10.0.0.1', ['a', 'b', 'b'])
      const late = sampleRecord({
        rid: ridOf(9),
        state: 'success',
        result: { backup: sampleBackup({ name: 'b' }) },
      })
      await records.apply([late])
      expect((await backups.count({})).count).toBe(0)
    })

    test('does not affect a backup of the same name on another server', async () => {
      const { backups } = await catalogWith(makePlace, { name: 'a' }, { name: 'a', server: '10.0.0.2' })
      await backups.remove('10.0.0.1', ['a'])
      expect((await backups.find({}, { first: 9 })).items).toMatchObject([{ node: { server: '10.0.0.2' } }])
    })
  })

  test('uses the run that ended later, whichever is reported last', async () => {
    const { records, backups } = await openEmpty(makePlace)
    const word = (n: number, end: string, verified: string | null) =>
      sampleRecord({ rid: ridOf(n), state: 'success', end, result: { backup: sampleBackup({ verified }) } })
    const checked = word(2, '2026-11-24T09:00:00Z', '2026-11-24T08:59:00Z')
    for (const record of [checked, word(1, '2026-11-23T09:00:00Z', null)]) await records.apply([record])
    const { server, name } = sampleBackup()
    expect((await backups.get(server, name))?.verified).toBe('2026-11-24T08:59:00Z')
  })
}
