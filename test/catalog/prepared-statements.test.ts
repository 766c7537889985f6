import { expect, test, vi } from 'vitest'
import { SqlThread } from '../../src/catalog/sql-thread.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { tempCatalog } from '../support/temp-catalog.ts'

const SERVER = '10.0.0.1'

/** The SQL of all statements from now on. */
function collectStatements(): Set<string> {
  const seen = new Set<string>()
  for (const verb of ['read', 'write'] as const) {
    const original = SqlThread.prototype[verb] as (sql: string, args: never[]) => Promise<never>
    vi.spyOn(SqlThread.prototype, verb).mockImplementation(function (this: SqlThread, sql, args) {
      seen.add(sql)
      return original.call(this, sql, args as never[])
    })
  }
  return seen
}

function begun(n: number): RunRecord {
  return sampleRecord({ rid: ridOf(n), jobId: `job ${n}`, server: SERVER })
}

/** With a backup, every third time a series of snapshots; every fourth time it deletes the one before. */
function ended(n: number): RunRecord {
  const { rid, jobId } = begun(n)
  const series = n % 3 === 0 ? { series: { snapshots: 1, newest: rid, lastGood: null } } : {}
  const backup = sampleBackup({ rid, jobId, name: `b-${n}`, source: `/srv/${n}`, sequence: n, ...series })
  const result: RunRecord['result'] = n % 4 === 0 ? { backup, deleted: [`b-${n - 1}`] } : { backup }
  return {
    ...begun(n),
    seq: 2,
    state: 'success',
    end: '2026-11-23T09:00:00Z',
    result,
  }
}

test('news and questions of any size find their statements prepared', async () => {
  const { records, backups } = await tempCatalog()
  let next = 1
  const round = async (size: number) => {
    const numbers = Array.from({ length: size }, () => next++)
    const rids = numbers.map(ridOf)
    await records.apply(numbers.map(begun))
    await records.apply(numbers.map(ended))
    expect((await records.serversOf(rids)).size).toBe(size)
    expect((await records.getMany(rids)).size).toBe(size)
    expect((await records.lastOfJobs(numbers.map((n) => `job ${n}`))).size).toBe(size)
    await backups.lastGood(numbers.map((n) => ({ server: SERVER, source: `/srv/${n}` })))
    await backups.countSnapshots(numbers.map((n) => ({ server: SERVER, name: `b-${n}` })))
  }
  const seen = collectStatements()
  for (const size of [12, 1, 2, 3, 7, 30, 111, 600]) await round(size)
  // A statement whose text has as many placeholders as rows is one kind with several texts.
  const kinds = Map.groupBy(seen, (sql) => sql.replaceAll(/[(), ?]*\?[(), ?]*/g, ' ? '))
  expect(kinds.size).toBeGreaterThan(12)
  expect([...kinds].filter(([, texts]) => texts.length > 1).map(([kind]) => kind)).toEqual([])
})
