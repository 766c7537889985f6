import { expect, test } from 'vitest'
import { startApollo } from '../../src/controller/apollo.ts'
import { tick } from '../../src/domain/controller.ts'
import type { Context } from '../../src/resolvers/context.ts'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { keepingLog } from '../support/keeping-log.ts'

const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3']

async function start() {
  const hello = given
    .app('hello')
    .proc('web')
    .on(...SERVERS)
    .volumes('/data/db', '/logs', '/mail')
  const kit = await hello.inMemory()
  const apollo = await startApollo({ schema: createSchema(), log: keepingLog() })
  const ask = async <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => {
    const contextValue: Context = { world: kit.world, loaders: createLoaders(kit.world) }
    const { body } = await apollo.executeOperation({ query, variables }, { contextValue })
    if (body.kind !== 'single') throw new Error('in pieces')
    if (body.singleResult.errors) throw new Error(JSON.stringify(body.singleResult.errors))
    return body.singleResult.data as T
  }
  return { ...kit, ask }
}

/** Counts the questions to a port. */
function counted<T extends object>(port: T, verb: keyof T): { count: number } {
  const calls = { count: 0 }
  const original = port[verb] as (...args: unknown[]) => unknown
  Object.assign(port, {
    [verb]: (...args: unknown[]) => {
      calls.count += 1
      return original.apply(port, args)
    },
  })
  return calls
}

test('the last record of every job and the last good backup of every volume are one query each', async () => {
  const { ask, world } = await start()
  const job = world.inventory.plan.jobs.find(({ volume }) => volume)?.id
  await world.ledger.apply([
    sampleRecord({
      jobId: job ?? '',
      state: 'success',
      end: '2026-11-23T08:45:00Z',
      result: { backup: sampleBackup() },
    }),
  ])
  const records = counted(world.ports.records, 'lastOfJobs')
  const backups = counted(world.ports.backups, 'lastGood')
  const { apps } = await ask<{ apps: object[] }>(
    '{ apps { procs { instances { volumes { name lastGood { name } jobs { lastRecord { state } } } } } } }',
  )
  expect(JSON.stringify(apps).match(/"SUCCESS"/g)).toHaveLength(1)
  expect(JSON.stringify(apps)).toContain(sampleBackup().name)
  expect([records.count, backups.count]).toEqual([1, 1])
})

test('a list asks no daemon', async () => {
  const { ask, daemons } = await start()
  const before = SERVERS.map((ip) => daemons.at(ip).asked.length)
  await ask(
    '{ jobs { nextRun asleep server { store { freeBytes } problems } } servers { reachable } backups { totalCount } }',
  )
  expect(SERVERS.map((ip) => daemons.at(ip).asked.length)).toEqual(before)
})

test('health, its order and its days are answered from memory and the catalog', async () => {
  const { ask, world, daemons } = await start()
  const [, other] = world.inventory.plan.volumes.flatMap(({ jobs }) => jobs)
  if (!other) throw new Error('there is no job')
  const { id: jobId, job, server } = other
  const times = { start: '2026-11-23T08:44:53Z', end: '2026-11-23T08:45:00Z' }
  for (let n = 0; n < 2; n++) {
    tick(world)
    await world.background.settled()
  }
  await world.ledger.apply([
    sampleRecord({ ...job, ...times, jobId, server, state: 'failed', reason: 'no room' }),
  ])
  const before = SERVERS.map((ip) => daemons.at(ip).asked.length)
  const answer = await ask<HealthAnswer>(`{
    health { summary state volumes counts { state volumes } servers { state servers } controller { state states because } }
    volumes(order: WORST_FIRST, first: 1) { totalCount nodes { name health { state states because since }
      days(n: 1, zone: "UTC") { date good partial failed missed expected } jobs { health { state } } } }
    failing: volumes(filter: { states: [FAILING] }) { totalCount }
    servers { health { state states because } } }`)
  expect(answer.health).toMatchObject({ state: 'FAILING', volumes: 9, controller: { state: 'OK' } })
  expect(answer.health.summary).toMatch(/^Of 9 volumes, 1 fails, 8 wait for their first backup/)
  expect(answer.volumes).toMatchObject({
    totalCount: 9,
    nodes: [
      {
        name: other.volume?.name,
        health: { state: 'FAILING', states: ['FAILING'], since: '2026-11-23T08:45:00.000Z' },
        days: [{ date: '2026-11-23', good: 0, partial: 0, failed: 1, missed: 0, expected: 0 }],
        jobs: [{ health: { state: 'FAILING' } }],
      },
    ],
  })
  expect(answer.failing.totalCount).toBe(1)
  expect(answer.servers.map(({ health }) => health.state)).toEqual(SERVERS.map(() => 'OLD_VERSION'))
  expect(SERVERS.map((ip) => daemons.at(ip).asked.length)).toEqual(before)
})

interface HealthAnswer {
  health: { summary: string }
  volumes: object
  failing: { totalCount: number }
  servers: { health: { state: string } }[]
}

interface RecordPage {
  records: {
    nodes: { rid: string }[]
    edges: { cursor: string }[]
    totalCount: number
    pageInfo: { hasNextPage: boolean; endCursor: string | null }
  }
}

test('pages have no gaps and no duplicates while new items arrive', async () => {
  const { ask, world } = await start()
  const record = (n: number) =>
    sampleRecord({ rid: ridOf(n), start: `2026-11-23T08:${String(n).padStart(2, '0')}:00Z` })
  await world.ledger.apply(Array.from({ length: 25 }, (_, at) => record(at + 1)))
  const seen: string[] = []
  for (let after: string | null = null, more = true; more; ) {
    const { records }: RecordPage = await ask(
      'query ($after: String) { records(first: 10, after: $after) { nodes { rid } edges { cursor } totalCount pageInfo { hasNextPage endCursor } } }',
      { after },
    )
    seen.push(...records.nodes.map(({ rid }) => rid))
    expect(records.pageInfo.endCursor).toBe(records.edges.at(-1)?.cursor)
    after = records.pageInfo.endCursor
    more = records.pageInfo.hasNextPage
    await world.ledger.apply([record(30 + seen.length)])
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => ridOf(25 - at)))
})

test.for([
  ['app', { app: 'hello' }, 1],
  ['another app', { app: 'nope' }, 0],
  ['short name', { app: 'hello', proc: 'web' }, 1],
  ['full name', { proc: 'hello.web.web' }, 1],
  ['volume', { volume: '/data/db' }, 1],
  ['volumes', { volumes: ['/logs', '/data/db'] }, 1],
  ['other volumes', { volumes: ['/logs'] }, 0],
  ['state', { states: ['SUCCESS', 'FAILED'] }, 0],
  ['time', { from: '2026-11-23T08:00:00Z', to: '2026-11-23T09:00:00+00:00' }, 1],
  ['later', { from: '2026-11-24T08:00:00Z' }, 0],
  ['mode and instance', { mode: 'FULL', instanceNo: 1 }, 1],
  ['nulls', { app: null, states: null, from: null, mode: null }, 1],
] as const)('records by %s', async ([, filter, count]) => {
  const { ask, world } = await start()
  await world.ledger.apply([sampleRecord()])
  expect(
    await ask('query ($filter: RecordFilter) { records(filter: $filter) { totalCount } }', { filter }),
  ).toEqual({
    records: { totalCount: count },
  })
})

test('jobs can be filtered; the expire jobs belong to backupctl', async () => {
  const { ask } = await start()
  const count = async (filter: object) =>
    (await ask<{ jobs: object[] }>('query ($filter: JobFilter) { jobs(filter: $filter) { id } }', { filter }))
      .jobs.length
  expect(await count({})).toBe(15)
  expect(await count({ app: 'hello', proc: 'web' })).toBe(9)
  expect(await count({ volume: '/logs', instanceNo: 2 })).toBe(1)
  expect(await count({ server: '10.0.0.3' })).toBe(5)
  expect(await count({ mode: 'INCREMENT' })).toBe(0)
  const { job } = await ask<{ job: object }>(
    '{ job(id: "0a000001-expire") { app { name procs { name } } proc mode args action } }',
  )
  expect(job).toMatchObject({
    app: { name: 'backupctl', procs: [] },
    proc: null,
    mode: null,
    action: 'backup_expire',
  })
})

test('sizes beyond 32 bits, times and digests are complete', async () => {
  const { ask, world } = await start()
  const big = sampleBackup({ size: 9_007_199_254_740_991 })
  await world.ledger.apply([
    sampleRecord({ state: 'success', end: big.created, result: { backup: big, size: 5_000_000_000 } }),
  ])
  const { backups } = await ask<{ backups: object }>(
    '{ backups { nodes { id size created contentBytes good server { ip problems } } } }',
  )
  expect(backups).toMatchObject({
    nodes: [
      {
        id: `10.0.0.1/${big.name}`,
        size: big.size,
        created: '2026-11-23T09:24:06.799Z',
        contentBytes: 5_000_000_000,
        good: true,
      },
    ],
  })
  const { records } = await ask<{ records: object }>('{ records { nodes { start end result { size } } } }')
  expect(records).toMatchObject({
    nodes: [{ start: '2026-11-23T08:44:53.443174691Z', result: { size: 5_000_000_000 } }],
  })
})
