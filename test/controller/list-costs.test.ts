import { readFileSync } from 'node:fs'
import {
  buildSchema,
  type GraphQLField,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
} from 'graphql'
import { expect, test } from 'vitest'
import { findDocumentProblem } from '../../src/controller/document-problem.ts'
import { FIELD_COSTS, PLAIN_LISTS } from '../../src/controller/list-costs.ts'
import { QUERY as NAMES_QUERY, pickNames } from '../../src/web/ide/example-names.ts'
import { makeExampleTabs } from '../../src/web/ide/examples.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { sizesOf } from '../support/list-sizes.ts'
import {
  askGraphQL,
  socketClient,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))

function listFields(): [string, GraphQLField<unknown, unknown>][] {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType)
  return types
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) =>
      Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field] as const),
    )
    .map(([name, field]) => [name, field])
}

function isObjectList({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type) && isObjectType(getNamedType(type))
}

test('every list of objects has pages or a cost', () => {
  const plain = listFields().filter(([name, field]) => {
    const isPaged = field.args.some((arg) => arg.name === 'first')
    return isObjectList(field) && !isPaged && !/Connection\.(edges|nodes)$/.test(name)
  })
  expect(plain.map(([name]) => name).sort()).toEqual(Object.keys(PLAIN_LISTS).sort())
})

test('every field with a cost of its own exists, and every connection that an error names', () => {
  const names = new Set(listFields().map(([name]) => name))
  for (const name of Object.keys(FIELD_COSTS)) expect(names).toContain(name)
  for (const { instead } of Object.values(PLAIN_LISTS))
    if (instead) expect(names).toContain(`Query.${instead}`)
})

/** 100,000 volumes, 100 on each of 1000 servers; 20 apps. */
const THOUSAND = sizesOf(bigInventory({ apps: 20, instances: 50, volumes: 100, servers: 1000 }))
/** 1000 volumes on 10 servers. */
const TEN = sizesOf(bigInventory({ apps: 10, instances: 10, volumes: 10, servers: 10 }))

function problemOf(query: string, variables: Record<string, unknown> = {}, sizes = THOUSAND) {
  return findDocumentProblem(schema, parse(query), { sizes, variables })?.message
}

const JOB = '{ id spec action nextRun lastRecord { state } }'

test.each<[string, string, Record<string, unknown>?]>([
  ['jobs', `{ jobs ${JOB} }`],
  ['jobs', `query ($app: ID) { jobs(filter: { app: $app }) ${JOB} }`],
  ['jobs', `query ($app: ID) { jobs(filter: { app: $app }) ${JOB} }`, { app: null }],
  ['jobs', `query ($app: ID) { jobs(filter: { app: $app }) ${JOB} }`, { app: { toString: 'app1' } }],
  ['jobs', `query ($filter: JobFilter) { jobs(filter: $filter) ${JOB} }`, { filter: null }],
  ['jobs', `query ($filter: JobFilter) { jobs(filter: $filter) ${JOB} }`, { filter: { mode: 'FULL' } }],
  ['jobs', `{ jobs(filter: { app: "app1" }) ${JOB} }`],
  ['servers', `{ servers { ip jobs ${JOB} } }`],
  ['servers', '{ servers { ip debug { runningTasks } } }'],
  ['apps', '{ apps { procs { instances { no server { ip } volumes { name } } } } }'],
  [
    'apps',
    '{ apps { ...A } } fragment A on App { procs { ... on Proc { instances { volumes { name path } } } } }',
  ],
  ['procs', '{ app(name: "app1") { procs { instances { volumes { name lastGood { name } } } } } }'],
  ['jobs', '{ serverConnection(first: 500) { nodes { ip jobs { id } } } }'],
])('a thousand servers are too many for "%s": %s %j', (name, query, variables) => {
  expect(problemOf(query, variables)).toMatch(
    new RegExp(
      `^Cost limit of 50000 exceeded: "${name}" leads to up to \\d+ items at once. Ask for pages of "`,
    ),
  )
  expect(problemOf(query, variables, TEN)).toBeUndefined()
})

test.each<[string, Record<string, unknown>?]>([
  ['{ apps { name procs { name instances { no } } } }'],
  ['{ servers { ip reachable problems store { freeBytes } } }'],
  ['{ jobs(filter: { server: "10.0.1.7" }) { id spec args lastRecord { state } } }'],
  [
    'query ($ip: ID) { jobs(filter: { server: $ip }) { id spec args lastRecord { state } } }',
    { ip: '10.0.1.7' },
  ],
  ['query ($ip: ID = "10.0.1.7") { jobs(filter: { server: $ip }) { id lastRecord { state } } }'],
  ['query ($f: JobFilter) { jobs(filter: $f) { id lastRecord { state } } }', { f: { server: '10.0.1.7' } }],
  ['{ jobs(filter: { app: "app1" }) { id spec args } }'],
  ['{ server(ip: "10.0.1.7") { jobs { id lastRecord { state } } debug { runningTasks } } }'],
  [`{ jobConnection(first: 500) { nodes ${JOB} pageInfo { endCursor } totalCount } }`],
  [
    '{ volumes(first: 500) { nodes { app proc name server { ip } lastGood { name } jobs { id lastRecord { state } } } } }',
  ],
  ['{ serverConnection(first: 50) { nodes { ip jobs { id } } } }'],
  ['query ($rid: ID!) { record(rid: $rid) { result { plan { steps { path action } } } } }'],
])('a thousand servers are not too many for %s %j', (query, variables) => {
  expect(problemOf(query, variables)).toBeUndefined()
})

test('a list below an object that many others share counts once for each of them', () => {
  const query = '{ volumes(first: 400) { nodes { server { jobs { id spec } } } } }'
  expect(problemOf(query)).toMatch(/^Cost limit of 50000 exceeded: "jobs" leads to up to 40800 items at once/)
  // Also if that is more than there are at all.
  expect(problemOf(query, {}, TEN)).toMatch(/"jobs" leads to up to 40800 items at once/)
})

test('the examples of the IDE are within the limits, however large the fleet', () => {
  const tabs = makeExampleTabs(pickNames({}))
  for (const query of [NAMES_QUERY, ...tabs.map((tab) => tab.query)]) expect(problemOf(query)).toBeUndefined()
})

test('a list that is too long is refused over HTTP and over a WebSocket; its connection answers', async () => {
  const inventory = toldInventory(bigInventory({ apps: 6, instances: 10, volumes: 100, servers: 10 }))
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  const query =
    'query ($f: JobFilter) { jobs(filter: $f) { id spec action args asleep proc volume mode prevRun nextRun } }'
  const refusal = {
    message: expect.stringContaining('Ask for pages of "jobConnection"'),
    extensions: { code: 'TOO_COSTLY', action: expect.any(String), facts: {} },
  }
  expect(await askGraphQL(url, query)).toEqual({ status: 400, errors: [expect.objectContaining(refusal)] })
  await expect(socketClient(url).iterate({ query }).next()).rejects.toEqual([
    expect.objectContaining(refusal),
  ])
  const variables = { f: { app: 'app1' } }
  expect((await askGraphQL<{ jobs: unknown[] }>(url, query, variables)).data?.jobs).toHaveLength(1000)
  const overSocket = await socketClient(url).iterate({ query, variables }).next()
  expect(overSocket.value).toMatchObject({ data: { jobs: expect.any(Array) } })
  const get = new URL(`${url}/graphql`)
  get.search = String(new URLSearchParams({ query, variables: JSON.stringify(variables) }))
  const answer = await fetch(get, { headers: { 'apollo-require-preflight': 'yes' } })
  expect(answer.status).toBe(200)
  const paged =
    '{ jobConnection(first: 500) { nodes { id spec action args } totalCount totalCountIsCapped } }'
  expect(await askGraphQL(url, paged)).toMatchObject({
    status: 200,
    data: { jobConnection: { totalCount: 6020, totalCountIsCapped: false } },
  })
})
