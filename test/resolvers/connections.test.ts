import { type ExecutionResult, graphql } from 'graphql'
import { expect, test } from 'vitest'
import { acceptInventory } from '../../src/domain/inventory.ts'
import type { UserWorld } from '../../src/domain/user-world.ts'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const schema = createSchema()

async function ask(world: UserWorld, source: string, variableValues: Record<string, unknown> = {}) {
  const contextValue = { world, loaders: createLoaders(world) }
  const answer: ExecutionResult = await graphql({ schema, source, contextValue, variableValues })
  expect(answer.errors).toBeUndefined()
  return answer.data as Record<string, ConnectionAnswer>
}

interface ConnectionAnswer {
  nodes: Record<string, unknown>[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
  totalCount: number
  totalCountIsCapped: boolean
}

function withStores(world: UserWorld, stores: Pick<UserWorld['ports'], 'records' | 'backups'>): UserWorld {
  return { ...world, ports: { ...world.ports, ...stores } }
}

/** 4 apps on 3 servers: 4 * 2 * 5 volumes, as many jobs and 3 more that expire. */
const SHAPE = { apps: 4, instances: 2, volumes: 5, servers: 3 }

async function smallFleet() {
  const kit = await given.inMemory()
  await kit.take(bigInventory(SHAPE))
  return kit
}

const LISTS = [
  ['volumes', 'app instanceNo name', 40],
  ['jobConnection', 'id', 46],
  ['serverConnection', 'ip', 3],
] as const

/** Reads all pages; `between` is called after the first one. */
async function readAll(world: UserWorld, field: string, keys: string, between?: () => Promise<void>) {
  const found: string[] = []
  let after: string | null = null
  for (let more = true; more; ) {
    const query = `query ($after: String) { ${field}(first: 2, after: $after) { nodes { ${keys} } pageInfo { hasNextPage endCursor } } }`
    const page: ConnectionAnswer | undefined = (await ask(world, query, { after }))[field]
    found.push(...(page?.nodes ?? []).map((node) => Object.values(node).join(' ')))
    if (after === null) await between?.()
    after = page?.pageInfo.endCursor ?? null
    more = page?.pageInfo.hasNextPage === true
  }
  return found
}

test.each(LISTS)('the pages of %s have everything once, in order', async (field, keys, count) => {
  const { world } = await smallFleet()
  const found = await readAll(world, field, keys)
  expect(found).toHaveLength(count)
  expect(found).toEqual([...new Set(found)].sort())
  const { [field]: counted } = await ask(world, `{ ${field}(first: 1) { totalCount totalCountIsCapped } }`)
  expect(counted).toEqual({ totalCount: count, totalCountIsCapped: false })
})

test.each(LISTS)('the pages of %s go on where they were after an edit', async (field, keys) => {
  const { world, take } = await smallFleet()
  const before = await readAll(world, field, keys)
  const { apps } = bigInventory({ ...SHAPE, apps: 5, servers: 4 })
  // The first app is gone, with the item of the cursor, and another one is new at the end.
  const edited = { apps: apps.slice(1) }
  const found = await readAll(world, field, keys, () => take(edited))
  const after = await readAll(world, field, keys)
  const cursor = before[1] ?? ''
  expect(found).toEqual([...before.slice(0, 2), ...after.filter((item) => item > cursor)])
})

test.each([
  ['volumes', 'filter: { app: "app2" }', 10],
  ['volumes', 'filter: { app: "app2", instanceNo: 1, volume: "/data/3" }', 1],
  ['volumes', 'filter: { proc: "web", server: "10.0.0.1" }', 15],
  ['volumes', 'filter: { proc: "app1.web.web", app: null }', 10],
  ['volumes', 'filter: { app: "none" }', 0],
  ['jobConnection', 'filter: { app: "app2" }', 10],
  ['jobConnection', 'filter: { server: "10.0.0.1" }', 17],
  ['jobConnection', 'filter: { server: "10.0.0.1", app: "app2" }', 5],
  ['jobConnection', 'filter: { action: "backup_expire" }', 3],
  ['jobConnection', 'filter: { action: "backup_verify_due" }', 3],
  ['serverConnection', 'app: "app2"', 2],
  ['serverConnection', 'app: "none"', 0],
  ['serverConnection', 'reachable: true', 0],
])('%s(%s) lists and counts %i', async (field, args, count) => {
  const { world } = await smallFleet()
  const answer = await ask(world, `{ ${field}(first: 500, ${args}) { nodes { __typename } totalCount } }`)
  expect([answer[field]?.nodes.length, answer[field]?.totalCount]).toEqual([count, count])
})

test('a volume of a page says where it belongs', async () => {
  const { world } = await smallFleet()
  const { volumes } = await ask(
    world,
    '{ volumes(first: 1) { nodes { app proc instanceNo name server { ip } jobs { spec } lastGood { name } } } }',
  )
  expect(volumes?.nodes).toEqual([
    {
      ...{ app: 'app0', proc: 'app0.web.web', instanceNo: 1, name: '/data/0' },
      ...{ server: { ip: '10.0.0.0' }, jobs: [{ spec: '0 5 * * *' }], lastGood: null },
    },
  ])
})

test.each(['volumes', 'jobConnection', 'serverConnection'])(
  '%s refuses a cursor of another list',
  async (field) => {
    const { world } = await smallFleet()
    const contextValue = { world, loaders: createLoaders(world) }
    for (const key of [
      'record:x',
      'volume:x',
      'volume:[1,2]',
      'volume:["a","b","1","c"]',
      'job:',
      'server:',
    ]) {
      const after = Buffer.from(key).toString('base64url')
      const source = `{ ${field}(after: "${after}") { nodes { __typename } } }`
      const { errors } = await graphql({ schema, source, contextValue })
      const isOwn = key.startsWith(field.slice(0, 3)) && !field.startsWith('vol')
      if (isOwn) expect(errors).toBeUndefined()
      else expect(errors?.[0]?.message).toContain('is not a cursor of this list')
    }
  },
)

test('records and backups are counted only if that is selected, and once', async () => {
  const { world, catalog } = await given.inMemory()
  await catalog.records.apply([
    sampleRecord({ rid: ridOf(2), jobId: '', state: 'success', result: { backup: sampleBackup() } }),
  ])
  const counted: string[] = []
  const { records, backups } = world.ports
  const spied = withStores(world, {
    records: {
      ...records,
      count: (filter) => {
        counted.push('records')
        return records.count(filter)
      },
    },
    backups: {
      ...backups,
      count: (filter) => {
        counted.push('backups')
        return backups.count(filter)
      },
    },
  })
  await ask(spied, '{ records { nodes { rid } } backups { nodes { name } pageInfo { hasNextPage } } }')
  expect(counted).toEqual([])
  const answer = await ask(spied, '{ records { totalCount totalCountIsCapped } backups { totalCount } }')
  expect(answer).toEqual({
    records: { totalCount: 1, totalCountIsCapped: false },
    backups: { totalCount: 1 },
  })
  expect(counted.sort()).toEqual(['backups', 'records'])
})

test('a page of many volumes asks the catalog for few at a time', async () => {
  const { world } = await given.inMemory()
  await acceptInventory(world, { kind: 'inventory', inventory: bigInventory({ ...SHAPE, volumes: 60 }) })
  const asked: number[] = []
  const { records, backups } = world.ports
  const spied = withStores(world, {
    records: {
      ...records,
      lastOfJobs: (ids) => {
        asked.push(ids.length)
        return records.lastOfJobs(ids)
      },
    },
    backups: {
      ...backups,
      lastGood: (keys) => {
        asked.push(keys.length)
        return backups.lastGood(keys)
      },
    },
  })
  await ask(spied, '{ volumes(first: 480) { nodes { lastGood { name } jobs { lastRecord { rid } } } } }')
  expect(asked.reduce((sum, count) => sum + count)).toBe(960)
  expect(Math.max(...asked)).toBe(100)
})

test('the problems of a server are listed only if they are selected', async () => {
  const { world } = await smallFleet()
  let listed = 0
  const problems = Object.create(world.problems, {
    listAbout: {
      value: (about: string) => {
        listed += 1
        return world.problems.listAbout(about)
      },
    },
  })
  await ask({ ...world, problems }, '{ volumes { nodes { server { ip reachable } } } servers { ip } }')
  expect(listed).toBe(0)
  await ask({ ...world, problems }, '{ servers { problems } }')
  expect(listed).toBe(3)
})
