import { describe, expect, test } from 'vitest'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { catalogWith, type MakePlace, openEmpty } from './place.ts'

async function* pagesOf(...pages: BackupInfo[][]) {
  yield* pages
}

/** How a catalog becomes equal to what a store holds. */
export function reconcileDemands(makePlace: MakePlace): void {
  describe('reconcile', () => {
    test('uses the later of two simultaneous listings of a namespace', async () => {
      const { backups } = await openEmpty(makePlace)
      const begun = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      async function* slow() {
        begun.resolve()
        await goOn.promise
        yield [sampleBackup({ corrupt: 'as it was before' })]
      }
      const first = backups.reconcile('10.0.0.1', slow(), false)
      await begun.promise
      async function* later() {
        await first
        yield [sampleBackup()]
      }
      const second = backups.reconcile('10.0.0.1', later(), false)
      goOn.resolve()
      await second
      expect(await backups.get('10.0.0.1', sampleBackup().name)).toEqual(sampleBackup())
    })

    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => sampleBackup({ name }))
    const listed = () =>
      pagesOf([{ ...b, verified: '2026-01-01T00:00:00Z' } as BackupInfo], [c as BackupInfo, d as BackupInfo])

    test('adds, updates and removes backups as the store has them, and only counts in a dry run', async () => {
      const { backups } = await catalogWith(
        makePlace,
        { name: 'a' },
        { name: 'b' },
        { name: 'c' },
        { name: 'a', server: '10.0.0.2' },
      )
      const counts = { added: 1, updated: 1, removed: 1, unchanged: 1 }
      expect(await backups.reconcile('10.0.0.1', listed(), true)).toEqual(counts)
      expect((await backups.count({ names: ['a', 'd'] })).count).toBe(2)
      expect(await backups.reconcile('10.0.0.1', listed(), false)).toEqual(counts)
      const { items } = await backups.find({}, { first: 9 })
      const found = items.map(({ node }) => `${node.server} ${node.name} ${node.verified}`).sort()
      expect(found).toEqual([
        '10.0.0.1 b 2026-01-01T00:00:00Z',
        '10.0.0.1 c null',
        '10.0.0.1 d null',
        '10.0.0.2 a null',
      ])
      expect(await backups.reconcile('10.0.0.1', listed(), false)).toEqual({
        added: 0,
        updated: 0,
        removed: 0,
        unchanged: 3,
      })
    })

    test('restores backups that were wrongly removed', async () => {
      const { backups } = await catalogWith(makePlace)
      await backups.remove('10.0.0.1', ['a'])
      await backups.reconcile('10.0.0.1', pagesOf([a as BackupInfo]), false)
      expect(await backups.get('10.0.0.1', 'a')).toEqual(a)
    })

    test('removes nothing if the listing breaks off', async () => {
      const { backups } = await catalogWith(makePlace, { name: 'a' })
      async function* breaksOff() {
        yield [b as BackupInfo]
        throw new Error('store gone')
      }
      await expect(backups.reconcile('10.0.0.1', breaksOff(), false)).rejects.toThrow('store gone')
      expect((await backups.count({})).count).toBe(2)
    })

    test('keeps what it lists if the run that made the backup tells of it later, as after a loss of the catalog', async () => {
      const { records, backups } = await openEmpty(makePlace)
      const made = sampleBackup({ name: 'a', rid: ridOf(1) })
      const noted = { ...made, holds: ['pin'] }
      await backups.reconcile('10.0.0.1', pagesOf([noted]), false)
      const news = (n: number, backup: BackupInfo) =>
        records.apply([sampleRecord({ rid: ridOf(n), state: 'success', result: { backup } })])
      await news(1, made)
      expect(await backups.get('10.0.0.1', 'a')).toEqual(noted)
      await news(2, { ...made, corrupt: 'found by a later run' })
      expect((await backups.get('10.0.0.1', 'a'))?.corrupt).toBe('found by a later run')
    })

    test('keeps that a manifest cannot be read if the run that made the backup tells of it later', async () => {
      const { records, backups } = await openEmpty(makePlace)
      const made = sampleBackup({ name: 'a', rid: ridOf(1) })
      const damaged = { ...made, rid: null, jobId: null, sequence: 0, corrupt: 'its manifest cannot be read' }
      const undescribed = { ...damaged, name: 'b', corrupt: null }
      await backups.reconcile('10.0.0.1', pagesOf([damaged, undescribed]), false)
      for (const name of ['a', 'b']) {
        const rid = ridOf(name === 'a' ? 1 : 2)
        const result = { backup: { ...made, name, rid } }
        await records.apply([sampleRecord({ rid, state: 'success', result })])
      }
      expect(await backups.get('10.0.0.1', 'a')).toEqual(damaged)
      expect((await backups.get('10.0.0.1', 'b'))?.sequence).toBe(made.sequence)
    })

    test('treats news that arrives during the listing as newer than the list', async () => {
      const { records, backups } = await catalogWith(makePlace, { name: 'a' }, { name: 'b' })
      async function* staleList() {
        const deleted = sampleRecord({
          rid: ridOf(7),
          action: 'backup_expire',
          state: 'success',
          result: { deleted: ['a'] },
        })
        const made = sampleRecord({ rid: ridOf(8), state: 'success', result: { backup: c as BackupInfo } })
        const checked = sampleRecord({
          rid: ridOf(9),
          state: 'success',
          end: '2027-01-01T00:00:00Z',
          result: { backup: { ...b, verified: '2026-12-01T00:00:00Z' } as BackupInfo },
        })
        await records.apply([deleted, made, checked])
        yield [a as BackupInfo, b as BackupInfo]
      }
      const counts = await backups.reconcile('10.0.0.1', staleList(), false)
      expect(counts).toEqual({ added: 0, updated: 0, removed: 0, unchanged: 0 })
      const { items } = await backups.find({}, { first: 9 })
      expect(items.map(({ node }) => `${node.name} ${node.verified}`).sort()).toEqual([
        'b 2026-12-01T00:00:00Z',
        'c null',
      ])
    })
  })
}
