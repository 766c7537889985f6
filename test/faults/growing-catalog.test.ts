import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { tick } from '../../src/domain/controller.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { tempFolder } from '../support/temp-catalog.ts'

const DAY_MS = 86_400_000
const END = '2026-11-23T08:50:00Z'

function ended(n: number, changes: Parameters<typeof sampleRecord>[0] = {}) {
  return sampleRecord({ rid: ridOf(n), seq: 2, state: 'success', end: END, ...changes })
}

test('records older than --keep-records are deleted, except the last of a job or a backup', async () => {
  const folder = await tempFolder()
  const { world, catalog, clock } = await given.inMemory({ folder })
  const running = sampleRecord({ rid: ridOf(9_000), jobId: 'other' })
  await world.ledger.apply([
    // More than one slice of one job, then two of which a backup refers to the first.
    ...Array.from({ length: 450 }, (_, n) => ended(n + 10, { state: n % 10 === 0 ? 'partial' : 'success' })),
    ended(1, { jobId: 'rare', result: { backup: sampleBackup() } }),
    ended(2, { jobId: 'rare', start: '2026-11-23T08:45:00Z' }),
    running,
  ])
  await world.ports.audit.write({ at: END, who: 'me', verb: 'runJob', facts: {}, outcome: 'done' })
  Object.assign(world.settings, { keepAuditMs: 300 * DAY_MS })
  clock.move(399 * DAY_MS)
  tick(world)
  await world.background.settled()
  expect((await catalog.records.count({})).count).toBe(453)
  expect((await catalog.audit.find({}, { first: 9 })).items).toMatchObject([{ node: { verb: 'pruneAudit' } }])
  clock.move(2 * DAY_MS)
  tick(world)
  await world.background.settled()
  const left = (await catalog.records.find({}, { first: 500 })).items.map(({ node }) => node.rid)
  expect(left.sort()).toEqual([ridOf(1), ridOf(2), ridOf(459), ridOf(9_000)].sort())
  expect(await catalog.records.get(ridOf(10))).toBeUndefined()

  const database = new Database(join(folder, 'catalog.db'), { readonly: true })
  const days = database.prepare('SELECT day, state, count FROM RecordDay ORDER BY state').all()
  expect(days).toEqual([
    { day: '2026-11-23', state: 'partial', count: 45 },
    { day: '2026-11-23', state: 'success', count: 404 },
  ])
  const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get()
  expect([count('Record'), count('Audit')]).toEqual([4, 1])
  const checkpoint = database.prepare('SELECT verb FROM Audit').pluck().get()
  expect(checkpoint).toBe('pruneAudit')
  database.close()
})

test.each([
  ['are kept, and older ones go', { oldestCreated: '2026-11-15T08:44:53Z' }, [2, 4, 5]],
  ['are kept with all older ones, if nobody tells when the oldest was made', {}, [1, 2, 4, 5]],
])('records of snapshots that exist %s', async (_, oldest, expected) => {
  const { world, catalog, clock } = await given.inMemory()
  const about = { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1 }
  const run = (n: number, day: number, mode: string) =>
    ended(n, { jobId: mode, start: `2026-11-${day}T08:44:53Z`, args: { ...about, mode } })
  const series = {
    snapshots: 2,
    newest: 'ab'.repeat(32),
    ...oldest,
    lastGood: null,
  }
  const backup = sampleBackup({
    mode: 'increment',
    name: 'hello-hello.web.web-1-data-db',
    rid: ridOf(4),
    series,
  })
  await world.ledger.apply([
    run(1, 10, 'increment'),
    run(2, 15, 'increment'),
    run(3, 16, 'full'),
    run(4, 17, 'increment'),
    run(5, 18, 'full'),
  ])
  await catalog.backups.reconcile(backup.server, pageOf([backup]), false)
  clock.move(401 * DAY_MS)
  tick(world)
  await world.background.settled()
  const left = (await catalog.records.find({}, { first: 9 })).items.map(({ node }) => node.rid)
  expect(left.sort()).toEqual(expected.map(ridOf))
})

async function* pageOf<T>(page: T[]) {
  yield page
}
