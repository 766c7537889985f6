import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { type BackupInfo, isGood } from '../../../src/wire/backup.ts'
import type { RunRecord } from '../../../src/wire/record.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'
import { closing, type MakePlace } from './place.ts'

const SERVER = '10.0.0.1'
const JOBS = ['j0', 'j1', '']
const SOURCES = ['/s0', '/s1']
const LATER = '2030-01-01T00:00:00.000Z'

const day = fc.integer({ min: 1, max: 28 }).map((n) => `2026-01-${String(n).padStart(2, '0')}T00:00:00.000Z`)

/** One of six archives or two series, in any condition; its volume may change, as a hostile daemon can have it. */
const backup = fc
  .record({
    name: fc.constantFrom('a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'series0', 'series1'),
    source: fc.constantFrom(...SOURCES),
    sequence: fc.nat({ max: 9 }),
    created: day,
    goodAt: fc.option(day),
    corrupt: fc.option(fc.constant('a byte flipped'), { freq: 3 }),
    state: fc.constantFrom('success' as const, 'success' as const, 'partial' as const),
  })
  .map(({ goodAt, ...changes }): BackupInfo => {
    if (!changes.name.startsWith('series')) return sampleBackup(changes)
    const lastGood = goodAt === null ? null : { id: 'cd'.repeat(32), created: goodAt }
    const series = { snapshots: 1, newest: 'ab'.repeat(32), lastGood }
    return sampleBackup({ ...changes, mode: 'increment', series })
  })

const run = fc.record({
  n: fc.nat({ max: 9 }),
  seq: fc.nat({ max: 5 }),
  jobId: fc.constantFrom(...JOBS),
  start: day,
  state: fc.constantFrom('queued' as const, 'running' as const, 'success' as const, 'failed' as const),
  told: fc.option(backup),
  deleted: fc.option(fc.constantFrom('a0', 'a1', 'series0')),
})

type Step =
  | { kind: 'apply'; records: RunRecord[] }
  | { kind: 'remove'; names: string[] }
  | { kind: 'reconcile'; listed: BackupInfo[] }
  | { kind: 'forget' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(run, { minLength: 1, maxLength: 6 }).map((runs) => ({
      kind: 'apply' as const,
      records: runs.map(({ n, told, deleted, state, ...changes }) => {
        const result = {
          ...(told && state === 'success' && { backup: told }),
          ...(deleted && state === 'success' && { deleted: [deleted] }),
        }
        return sampleRecord({ ...changes, state, rid: ridOf(n), end: changes.start, result })
      }),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('a0', 'series1').map((name) => ({ kind: 'remove' as const, names: [name] })),
  },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(backup, { selector: ({ name }) => name })
      .map((listed) => ({ kind: 'reconcile' as const, listed })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' as const }) },
)

async function* pageOf(listed: BackupInfo[]) {
  yield listed
}

async function perform({ records, backups }: Catalog, step: Step): Promise<void> {
  if (step.kind === 'apply') await records.apply(step.records)
  else if (step.kind === 'remove') await backups.remove(SERVER, step.names)
  else if (step.kind === 'reconcile') await backups.reconcile(SERVER, pageOf(step.listed), false)
  else await records.forget({ before: LATER, after: null })
}

async function scanLastOfJobs({ records }: Catalog): Promise<[string, string | undefined][]> {
  const jobs = JOBS.filter((jobId) => jobId !== '')
  return Promise.all(
    jobs.map(async (jobId) => {
      const { items } = await records.find({ jobId }, { first: 1 })
      return [jobId, items[0]?.node.rid]
    }),
  )
}

/** The newest good archive and series of a volume; of the two, the one with the later good point. */
async function scanLastGood({ backups }: Catalog, source: string): Promise<string | undefined> {
  const { items } = await backups.find({}, { first: 100 })
  const good = items
    .map(({ node }) => node)
    .filter((info) => info.source === source)
    .filter((info) => (info.series ? info.series.lastGood !== null : isGood(info)))
  const order = (info: BackupInfo) => `${info.sequence} ${info.created} ${info.name}`
  const newest = (mode: string) =>
    good
      .filter((info) => info.mode === mode)
      .reduce<BackupInfo | undefined>(
        (last, info) => (last && order(last) > order(info) ? last : info),
        undefined,
      )
  const point = (info: BackupInfo) => info.series?.lastGood?.created ?? info.created
  const [archive, series] = [newest('full'), newest('increment')]
  if (archive && series && point(archive) === point(series)) return 'either'
  return [archive, series]
    .filter((info) => info !== undefined)
    .sort((a, b) => (point(a) > point(b) ? -1 : 1))[0]?.name
}

/** How a catalog answers for the last record of a job and the last good backup of a volume. */
export function newestDemands(makePlace: MakePlace): void {
  test('a backup that a listing moves to another volume leaves the first one its earlier good backup', async () => {
    const place = await makePlace()
    await using opened = closing(await place.open())
    const { backups } = opened.catalog
    const early = sampleBackup({ name: 'a0', source: '/s0', sequence: 1 })
    const later = (source: string) => sampleBackup({ name: 'a1', source, sequence: 2 })
    const good = async () => {
      const found = await backups.lastGood(SOURCES.map((source) => ({ server: SERVER, source })))
      return SOURCES.map((source) => found.get(`${SERVER} ${source}`)?.name)
    }
    for (const [source, expected] of [
      ['/s0', ['a1', undefined]],
      ['/s1', ['a0', 'a1']],
      ['/s0', ['a1', undefined]],
    ] as const) {
      await backups.reconcile(SERVER, pageOf([early, later(source)]), false)
      expect(await good()).toEqual(expected)
    }
  })

  test('the last record of each job and the last good backup of each volume are what a scan finds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const place = await makePlace()
        await using opened = closing(await place.open())
        const { catalog } = opened
        for (const each of steps) {
          await perform(catalog, each)
          const last = await catalog.records.lastOfJobs(['j0', 'j1'])
          expect(['j0', 'j1'].map((job) => [job, last.get(job)?.rid])).toEqual(await scanLastOfJobs(catalog))
          const good = await catalog.backups.lastGood(SOURCES.map((source) => ({ server: SERVER, source })))
          for (const source of SOURCES) {
            const scanned = await scanLastGood(catalog, source)
            if (scanned !== 'either') expect(good.get(`${SERVER} ${source}`)?.name).toBe(scanned)
          }
        }
      }),
      { numRuns: 40 },
    )
  })
}
