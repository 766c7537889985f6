import { describe, expect, test } from 'vitest'
import type { RecordFilter } from '../../../src/wire/listing.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { ridOf, sampleProgress, sampleRecord } from '../../support/catalog-samples.ts'
import { type MakePlace, openEmpty } from './place.ts'

/** How a catalog lists records, by filter and page by page. */
export function recordListDemands(makePlace: MakePlace): void {
  describe('lists of records', () => {
    const runs = [
      {
        start: '2026-01-01T00:00:00Z',
        args: { app: 'a', proc: 'a.web.web', volume: '/v', instanceNo: 1, mode: 'full' },
      },
      {
        start: '2026-01-02T00:00:00.5Z',
        jobId: 'j',
        args: { app: 'a', proc: 'a.web.web', volume: '/w', instanceNo: 2, mode: 'increment' },
      },
      {
        start: '2026-01-02T00:00:00Z',
        jobId: 'j',
        server: '10.0.0.2',
        args: { app: 'b', proc: 'b.web.web', volume: '/v', instanceNo: '1' },
      },
      {
        start: '2026-01-02T08:00:00+08:00',
        action: 'backup_recover',
        args: { app: 'a', proc: 'web', backup: 'x' },
      },
      { start: '2026-01-04T00:00:00Z', action: 'backup_expire', args: { info: [] }, state: 'failed' },
      { start: 'not a time', args: {} },
    ] as const satisfies Partial<RunRecord>[]

    const filled = async () => {
      const catalog = await openEmpty(makePlace)
      await catalog.records.apply(
        runs.map((run, n) => sampleRecord({ rid: ridOf(n), ...run } as Partial<RunRecord>)),
      )
      return catalog.records
    }

    test.each<[string, RecordFilter, number[]]>([
      ['nothing', {}, [4, 1, 3, 2, 0, 5]],
      ['app', { app: 'a' }, [1, 3, 0]],
      ['proc, by its full name', { app: 'a', proc: 'a.web.web' }, [1, 3, 0]],
      ['volumes', { volumes: ['/v', '/nope'] }, [2, 0]],
      ['no volume at all', { volumes: [] }, []],
      ['instance', { instanceNo: 1 }, [2, 0]],
      ['mode', { mode: 'increment' }, [1]],
      ['action', { action: 'backup_recover' }, [3]],
      ['server', { server: '10.0.0.2' }, [2]],
      ['job', { jobId: 'j' }, [1, 2]],
      ['states', { states: ['failed', 'lost'] }, [4]],
      ['the app of the system', { app: 'backupctl' }, [4]],
      ['from, which is included', { from: '2026-01-02T00:00:00Z' }, [4, 1, 3, 2]],
      ['to, which is not', { to: '2026-01-02T00:00:00Z' }, [0, 5]],
      [
        'a span in another zone',
        { from: '2026-01-02T01:00:00+01:00', to: '2026-01-02T00:00:00.400Z' },
        [3, 2],
      ],
      ['two filters', { app: 'a', states: ['running'], volumes: ['/w'] }, [1]],
    ])('by %s, newest first', async (_, filter, expected) => {
      const records = await filled()
      const { items, hasNextPage } = await records.find(filter, { first: 10 })
      const { count: totalCount } = await records.count(filter)
      expect(items.map(({ node }) => Number.parseInt(node.rid.slice(-2), 16))).toEqual(expected)
      expect({ totalCount, hasNextPage }).toEqual({ totalCount: expected.length, hasNextPage: false })
    })

    test('have pages without gaps, whatever is added meanwhile', async () => {
      const records = await filled()
      const seen: string[] = []
      let after: string | undefined
      for (let more = true; more; ) {
        const page = await records.find({}, { first: 2, after })
        seen.push(...page.items.map(({ node }) => node.rid))
        after = page.items.at(-1)?.cursor
        more = page.hasNextPage
        await records.apply([sampleRecord({ rid: ridOf(100 + seen.length), start: '2026-02-01T00:00:00Z' })])
      }
      expect(seen).toEqual([4, 1, 3, 2, 0, 5].map(ridOf))
    })

    test('refuse an invalid cursor or time', async () => {
      const { records, backups } = await openEmpty(makePlace)
      const { items } = await (await filled()).find({}, { first: 1 })
      await expect(records.find({}, { first: 1, after: 'x' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
      await expect(backups.find({}, { first: 1, after: items[0]?.cursor })).rejects.toMatchObject({
        code: 'BAD_INPUT',
      })
      await expect(records.find({ from: 'soon' }, { first: 1 })).rejects.toThrow('from: "soon" is not a time')
    })

    test('give the last record of each job', async () => {
      const records = await filled()
      const last = await records.lastOfJobs(['j', 'never ran', '0a000001aaaa'])
      expect([...last].map(([job, { rid }]) => [job, rid])).toEqual([
        ['j', ridOf(1)],
        ['0a000001aaaa', ridOf(4)],
      ])
    })

    test('give the last record of a job with the progress that was reported last', async () => {
      const { records } = await openEmpty(makePlace)
      for (const seq of [1, 2, 3])
        await records.apply([sampleRecord({ jobId: 'j', seq, progress: sampleProgress(seq) })])
      const last = await records.lastOfJobs(['j'])
      expect(last.get('j')?.progress).toEqual(sampleProgress(3))
    })
  })
}
