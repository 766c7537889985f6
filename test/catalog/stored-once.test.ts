import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

/** The life of a run, with a start of its own in each state, and called lost in between. */
function lifeOf(n: number, changes: Partial<RunRecord>): RunRecord[] {
  const backup = sampleBackup({ name: `b${n}`, sequence: n, rid: ridOf(n) })
  const state = (seq: number, more: Partial<RunRecord>) =>
    sampleRecord({ rid: ridOf(n), seq, start: `2026-11-23T08:44:5${seq}.000Z`, ...changes, ...more })
  return [
    state(1, { state: 'queued' }),
    state(2, { progress: sampleProgress(5) }),
    state(2, { state: 'lost', reason: 'silent' }),
    state(3, { warnings: ['slow'], warningCount: 1 }),
    state(4, {
      state: 'success',
      end: '2026-11-23T09:24:07Z',
      result: { file: backup.name, size: 7, backup },
      progress: sampleProgress(9),
    }),
  ]
}

const { args } = sampleRecord()
const runs: [string, Partial<RunRecord>][] = [
  ['a run of a job', {}],
  ['a run with other args than its job', { args: { ...args, mode: 'increment' } }],
  ['a run with another spec than its job', { spec: '@daily' }],
  ['a one-off run', { jobId: '', type: 'once' }],
]

test.each(runs)('%s and its events read as they were reported, after a restart too', async (_, changes) => {
  const folder = await tempFolder()
  const before = await openCatalogIn(folder)
  await before.records.apply(lifeOf(1, {}))
  const told: unknown[] = []
  for (const news of lifeOf(2, changes)) told.push(...(await before.records.apply([news])))
  expect(told).toHaveLength(5)
  const check = async ({ records }: typeof before) => {
    expect(await records.eventsSince(0, { rid: ridOf(2) }, 10)).toEqual(told)
    expect(await records.get(ridOf(2))).toEqual(told.at(-1))
  }
  await check(before)
  await before.backups.remove('10.0.0.1', ['b2'])
  await before.close()
  const after = await openCatalogIn(folder)
  onTestFinished(() => after.close())
  await check(after)
})

test('a run that goes on after a restart reads as it was reported', async () => {
  const folder = await tempFolder()
  const [queued, running, , , ended] = lifeOf(1, {}) as [
    RunRecord,
    RunRecord,
    RunRecord,
    RunRecord,
    RunRecord,
  ]
  const before = await openCatalogIn(folder)
  await before.records.apply([queued, running])
  await before.close()
  const after = await openCatalogIn(folder)
  onTestFinished(() => after.close())
  expect(await after.records.unfinished()).toEqual([running])
  await after.records.apply([ended])
  expect((await after.records.get(ended.rid))?.record).toEqual(ended)
  expect((await after.records.eventsSince(0, {}, 10)).map(({ record }) => record)).toEqual([
    queued,
    running,
    ended,
  ])
})

test('the args of a job are stored once for all its runs', async () => {
  const folder = await tempFolder()
  const catalog = await openCatalogIn(folder)
  const marked = { args: { ...args, path: '/only/once' } }
  await catalog.records.apply([1, 2, 3].flatMap((n) => lifeOf(n, marked)))
  await catalog.close()
  const database = new Database(join(folder, 'catalog.db'), { readonly: true })
  onTestFinished(() => void database.close())
  const json = ['Record', 'RecordEvent', 'JobContent'].flatMap((table) =>
    database.prepare<[], string>(`SELECT json FROM ${table}`).pluck().all(),
  )
  expect(json.filter((text) => text.includes('/only/once'))).toHaveLength(1)
})
