import { type ExecutionResult, graphql, isObjectType } from 'graphql'
import { beforeEach, expect, test } from 'vitest'
import { type Caller, makeAnonymous, makeCaller } from '../../src/domain/access/principal.ts'
import { ROLES } from '../../src/domain/access/roles.ts'
import type { AlarmTarget, UnnumberedAlarm } from '../../src/domain/alarms/alarm.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import { watchAlarms } from '../../src/domain/watch-alarms.ts'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { ADMIN, callerWith } from '../support/callers.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { JUDGED_FIELDS, SEEN_WITH_OBJECT } from '../support/field-rules.ts'
import { FOREIGN, FOREIGN_SERVER, givenTwoApps, OWN, OWN_SERVER, SHARED_SERVER } from '../support/two-apps.ts'
import { selectAll } from '../support/whole-document.ts'

const schema = createSchema()
const SEES_OWN = ROLES.map((role) => [role, callerWith(role, [OWN])] as const)
const NOBODY = makeCaller(makeAnonymous('none'), 'test')

type Kit = Awaited<ReturnType<typeof start>>
let kit: Kit

beforeEach(async () => {
  kit = await start()
})

/** A controller with two apps; whatever text can name an app names the foreign one. */
async function start() {
  const filled = await givenTwoApps().inMemory()
  const { world, daemons } = filled
  const rids = [1, 2, 3, 4].map(ridOf)
  for (const [n, [app, server]] of PLACES.entries()) await fill(filled, { app, server, rid: rids[n] ?? '' })
  // A backup that lies where a volume of the own app is.
  const place = world.inventory.plan.volumes.find(
    ({ app, server }) => app === OWN && server === SHARED_SERVER,
  )
  await tell(
    filled,
    makeRun({ app: FOREIGN, server: SHARED_SERVER, rid: ridOf(9), source: place?.path ?? '' }),
  )
  world.problems.report({ source: 'x', key: 'y', text: `${FOREIGN} is broken`, about: SHARED_SERVER })
  world.problems.report({ source: 'x', key: 'z', text: `${FOREIGN} is broken` })
  world.inventory.problem = `${FOREIGN} is misspelt`
  world.inventory.plan.problems.push(`${FOREIGN} is left out`)
  await raiseAlarms(filled.world)
  for (const ip of [OWN_SERVER, SHARED_SERVER]) {
    daemons.at(ip).debug.problems = [`A run of ${FOREIGN} failed`]
    daemons.at(ip).debug.running_tasks = 7
    const state = world.servers.get(ip)
    if (state) state.debug = daemons.at(ip).debug
  }
  return filled
}

/** One about a volume of each app, and one that names the foreign app about each of the other things. */
async function raiseAlarms({ alarms }: Kit['world']): Promise<void> {
  const volumeOf = (app: string) => ({ app, proc: `${app}.web.web`, instanceNo: 1, name: `/data/${app}` })
  const makeAlarm = (id: string, changes: Partial<UnnumberedAlarm>) => ({ ...sampleAlarm(id), ...changes })
  const ofVolume = (app: string, server: string) =>
    makeAlarm(`alarm-${app}`, {
      apps: [app],
      message: `${app} fails`,
      acknowledged: null,
      target: { type: 'VOLUME', server, volume: volumeOf(app) },
    })
  const ofServer = (ip: string, type: AlarmTarget['type'], apps: string[] = []) =>
    makeAlarm(`alarm-${ip}-${type}`, { servers: [ip], apps, target: { type, server: ip, volume: null } })
  await alarms.book.change(() => [
    ofVolume(OWN, OWN_SERVER),
    ofVolume(FOREIGN, FOREIGN_SERVER),
    ...[OWN_SERVER, SHARED_SERVER, FOREIGN_SERVER].map((ip) => ofServer(ip, 'STORE')),
    { ...ofServer(SHARED_SERVER, 'SERVER', [OWN, FOREIGN]), isGroup: true, count: 7777 },
    makeAlarm('alarm-controller', {}),
  ])
}

function sampleAlarm(id: string): UnnumberedAlarm {
  const acknowledged = { by: FOREIGN, at: 1, until: 2, why: `because of ${FOREIGN}` }
  return {
    ...{ id, raisedSeq: null, key: id, parent: 'controller', isGroup: false, isInSummary: false },
    ...({ kind: 'DEGRADED', severity: 'WARNING', apps: [], servers: [], told: [], count: 1 } as const),
    target: { type: 'CONTROLLER', server: null, volume: null },
    ...{ since: 1, raisedAt: 1, clearedAt: null, message: `${FOREIGN} does something`, acknowledged },
  }
}

const PLACES = [
  [OWN, OWN_SERVER],
  [OWN, SHARED_SERVER],
  [FOREIGN, FOREIGN_SERVER],
  [FOREIGN, SHARED_SERVER],
] as const

interface Place {
  app: string
  server: string
  rid: string
  source?: string
}

function makeRun({ app, server, rid, source }: Place) {
  const [proc, volume] = [`${app}.web.web`, `/data/${app}`]
  const args = { app, proc, volume, instanceNo: 1, mode: 'full' }
  const backup = sampleBackup({
    jobId: '',
    ...{ server, app, proc, volume, rid, name: `${app}-${proc}-1-data-${app}-1795425846.tar.gz` },
    source: source ?? `/data/lain/volumes/${app}/${proc}/1/data/${app}`,
  })
  return sampleRecord({
    ...{ rid, server, args, jobId: '', state: 'success', end: '2026-11-23T08:45:00Z' },
    result: { file: backup.name, size: 1, backup },
  })
}

async function fill(filled: Pick<Kit, 'world'>, place: Place): Promise<void> {
  const planned = filled.world.inventory.plan.jobs.find(
    ({ server, volume }) => volume?.app === place.app && server === place.server,
  )
  const run = { ...makeRun(place), jobId: planned?.id ?? '' }
  await tell(filled, run)
  await tell(filled, {
    ...run,
    rid: runningRid(place.rid),
    state: 'running',
    end: null,
    result: null,
  })
}

function runningRid(rid: string): string {
  return `${rid.slice(0, -3)}f0${rid.slice(-1)}`
}

async function tell({ world }: Pick<Kit, 'world'>, record: ReturnType<typeof makeRun>): Promise<void> {
  await world.ledger.apply([record])
}

async function ask(caller: Caller, source: string): Promise<ExecutionResult> {
  const own = asCaller(kit.world, caller)
  return graphql({ schema, source, contextValue: { world: own, loaders: createLoaders(own) } })
}

function readField(data: ExecutionResult['data'], name: string): unknown {
  return data?.[name]
}

/** What is not own, in any text. */
function findForeign(answer: unknown): string[] {
  const foreign = kit.world.inventory.plan.jobs.filter((job) => job.volume?.app !== OWN)
  const marks = [FOREIGN, FOREIGN_SERVER, ridOf(3), ridOf(4), ridOf(9), ...foreign.map(({ id }) => id)]
  const text = JSON.stringify(answer)
  return marks.filter((mark) => text.includes(mark))
}

/** Not read here: what the daemon of an own backup answers, and what is refused as a whole. */
const WITHOUT = new Set([
  ...['Backup.files', 'Backup.snapshots', 'Backup.snapshot', 'Backup.diff', 'Backup.history'],
  ...[
    'Server.debug',
    'Query.tokens',
    'Query.authorities',
    'Query.audit',
    'Query.anonymousUses',
    'Query.notifications',
  ],
  ...['Query.storeHistory', 'Query.deletedBackups', 'Query.deleteBackupsPlan', 'Query.deleteSnapshotsPlan'],
])

function namesOf(n: number, app: string) {
  const [, server = ''] = PLACES[n] ?? []
  const job = kit.world.inventory.plan.jobs.find((each) => each.volume?.app === app && each.server === server)
  return {
    'Query.app': `(name: "${app}")`,
    'Query.plannedRuns': '(from: "2026-11-24T00:00:00Z", to: "2026-11-25T00:00:00Z", by: APP)',
    'Query.job': `(id: "${job?.id}")`,
    'Query.record': `(rid: "${ridOf(n + 1)}")`,
    'Query.server': `(ip: "${server}")`,
    'Query.backup': `(app: "${app}", proc: "web", server: "${server}", name: "${app}-${app}.web.web-1-data-${app}-1795425846.tar.gz")`,
    'Viewer.can': '(action: RUN)',
  }
}

function makeDocument(n: number, app: string, onField?: (name: string) => void): string {
  const query = schema.getQueryType()
  if (!query) throw new Error('There is no Query')
  return selectAll(query, { schema, without: WITHOUT, given: namesOf(n, app), ...(onField && { onField }) })
}

test('every field of the schema has a rule', () => {
  const fields = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      isObjectType(type) ? Object.keys(type.getFields()).map((name) => `${type.name}.${name}`) : [],
    )
  const seen = Object.entries(SEEN_WITH_OBJECT).flatMap(([type, names]) =>
    names.split(' ').map((name) => `${type}.${name}`),
  )
  expect([...seen, ...Object.keys(JUDGED_FIELDS)].sort()).toEqual(fields.sort())
})

test('everything that can be asked for at once is asked for by these tests', () => {
  const asked = new Set<string>()
  makeDocument(0, OWN, (name) => asked.add(name))
  const missing = Object.keys(JUDGED_FIELDS).filter((name) => !asked.has(name) && !WITHOUT.has(name))
  expect(missing.filter((name) => !/^(Mutation|Subscription)\./.test(name))).toEqual([])
})

test('whoever may see everything sees everything that the others must not see', async () => {
  const answer = await ask(ADMIN, makeDocument(2, FOREIGN))
  expect(answer.errors).toBeUndefined()
  const foreign = kit.world.inventory.plan.jobs.filter((job) => job.volume?.app === FOREIGN)
  expect(foreign).toHaveLength(2)
  expect(findForeign(answer)).toEqual(
    expect.arrayContaining([
      FOREIGN,
      FOREIGN_SERVER,
      ridOf(3),
      ridOf(4),
      ridOf(9),
      ...foreign.map(({ id }) => id),
    ]),
  )
  for (const text of ['is broken', 'is misspelt', 'is left out', 'failed', '"runningTasks":7'])
    expect(JSON.stringify(answer)).toContain(text)
})

test.each(SEES_OWN)(
  'a %s of one app sees nothing of another, whatever is asked for',
  async (_role, caller) => {
    const own = await ask(caller, makeDocument(0, OWN))
    expect(own.errors).toBeUndefined()
    expect(findForeign(own)).toEqual([])
    expect(JSON.stringify(own)).not.toContain('"runningTasks":7')
    const foreign = await ask(caller, makeDocument(2, FOREIGN))
    const { app, job, record, server, backup } = (foreign.data ?? {}) as Record<string, unknown>
    expect({ app, job, record, server, backup }).toEqual({
      ...{ app: null, job: null, record: null, server: null, backup: null },
    })
    expect(findForeign(foreign)).toEqual([])
  },
)

test.each(SEES_OWN)('a %s of one app counts nothing of another', async (_role, caller) => {
  const { data, errors } = await ask(
    caller,
    `{ apps { name } servers { ip jobs { id } } jobs { id } inventory { volumes servers } health { volumes counts { volumes } servers { servers } }
      volumes { totalCount } jobConnection { totalCount } serverConnection { totalCount } records { totalCount } backups { totalCount } }`,
  )
  expect(errors).toBeUndefined()
  expect(data).toMatchObject({
    apps: [{ name: OWN }],
    servers: [{ jobs: [{}] }, { jobs: [{}] }],
    jobs: [{}, {}],
    inventory: { volumes: 2, servers: 2 },
    ...{ volumes: { totalCount: 2 }, jobConnection: { totalCount: 2 }, serverConnection: { totalCount: 2 } },
    ...{ records: { totalCount: 4 }, backups: { totalCount: 2 } },
  })
  const { volumes, counts, servers } = readField(data, 'health') as {
    volumes: number
    counts: { volumes: number }[]
    servers: { servers: number }[]
  }
  const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0)
  expect([
    volumes,
    sum(counts.map((each) => each.volumes)),
    sum(servers.map((each) => each.servers)),
  ]).toEqual([2, 2, 2])
})

test.each([
  `servers(app: "${FOREIGN}") { ip }`,
  `jobs(filter: { app: "${FOREIGN}" }) { id }`,
  `jobs(filter: { server: "${FOREIGN_SERVER}" }) { id }`,
  `jobs(filter: { action: "backup_expire" }) { id }`,
])('a filter for what is foreign finds nothing: %s', async (field) => {
  const { data } = await ask(callerWith('admin', [OWN]), `{ found: ${field} }`)
  expect(data).toEqual({ found: [] })
})

test.each(['volumes', 'jobConnection', 'records', 'backups'])(
  '%s finds and counts nothing foreign with any filter, short names and cursors included',
  async (field) => {
    const caller = callerWith('viewer', [OWN])
    const filters = [`app: "${FOREIGN}"`, `proc: "${FOREIGN}.web.web"`, `volume: "/data/${FOREIGN}"`]
    for (const filter of [
      ...filters,
      `app: "${OWN}", server: "${FOREIGN_SERVER}"`,
      `server: "${FOREIGN_SERVER}"`,
    ]) {
      const { data, errors } = await ask(
        caller,
        `{ found: ${field}(filter: { ${filter} }) { totalCount nodes { __typename } } }`,
      )
      expect([filter, errors, data]).toEqual([filter, undefined, { found: { totalCount: 0, nodes: [] } }])
    }
    const short = await ask(caller, `{ found: ${field}(filter: { proc: "web" }) { nodes { proc } } }`)
    expect(JSON.stringify(short)).toContain(`${OWN}.web.web`)
    const all = await ask(ADMIN, `{ found: ${field}(first: 500) { edges { cursor } } }`)
    const { edges } = readField(all.data, 'found') as { edges: { cursor: string }[] }
    expect(edges.length).toBeGreaterThan(0)
    for (const { cursor } of edges) {
      const next = await ask(
        caller,
        `{ found: ${field}(after: ${JSON.stringify(cursor)}) { edges { cursor node { proc } } } }`,
      )
      expect(next.errors).toBeUndefined()
      expect(findForeign(next)).toEqual([])
    }
  },
)

test.each(SEES_OWN)(
  'a %s of one app sees the alarms of its volumes and servers only',
  async (_role, caller) => {
    const query =
      '{ alarms { totalCount nodes { id count message target { server { ip } } acknowledged { why } } } }'
    const { data, errors } = await ask(caller, query)
    expect(errors).toBeUndefined()
    const { totalCount, nodes } = readField(data, 'alarms') as { totalCount: number; nodes: { id: string }[] }
    expect(nodes.map(({ id }) => id).sort()).toEqual([
      ...[`alarm-${OWN_SERVER}-STORE`, `alarm-${SHARED_SERVER}-SERVER`, `alarm-${SHARED_SERVER}-STORE`],
      `alarm-${OWN}`,
    ])
    expect(totalCount).toBe(4)
    const own = { message: `${OWN} fails`, acknowledged: null }
    expect(nodes).toContainEqual(expect.objectContaining({ id: `alarm-${OWN}`, ...own }))
    expect(JSON.stringify(nodes.filter(({ id }) => id !== `alarm-${OWN}`))).not.toMatch(/zz-secret|7777/)
    const watched = watchAlarms(asCaller(kit.world, caller), {})
    const seen = [await watched.next(), await watched.next(), await watched.next(), await watched.next()]
    expect(seen.map(({ value }) => value.alarm.id).sort()).toEqual(nodes.map(({ id }) => id).sort())
    await watched.return?.()
  },
)

test('a cached page of one scope is not answered to another', async () => {
  const query = '{ records { nodes { app } } backups { nodes { app } } }'
  const seen = async (apps: string[] | null) => {
    const { data } = await ask(callerWith('viewer', apps), query)
    const { records, backups } = data as Record<string, { nodes: { app: string }[] }>
    return [records, backups].map((list) => [...new Set(list?.nodes.map(({ app }) => app))].sort())
  }
  for (let round = 0; round < 2; round++) {
    expect(await seen(null)).toEqual([
      [OWN, FOREIGN],
      [OWN, FOREIGN],
    ])
    expect(await seen([OWN])).toEqual([[OWN], [OWN]])
    expect(await seen([`${FOREIGN.slice(0, 4)}*`])).toEqual([[FOREIGN], [FOREIGN]])
    expect(await seen(['sho*', 'zz-*'])).toEqual([
      [OWN, FOREIGN],
      [OWN, FOREIGN],
    ])
    expect(await seen(['nothing', 'shopping*'])).toEqual([[], []])
  }
})

test('a caller without roles sees nothing', async () => {
  const answer = await ask(NOBODY, makeDocument(0, OWN))
  expect(findForeign(answer)).toEqual([])
  expect(JSON.stringify({ ...answer, data: { ...answer.data, viewer: null } })).not.toContain(OWN)
})

test('the deleted backups of a server without own apps are not told', async () => {
  const query = `{ deletedBackups(server: "${FOREIGN_SERVER}") { nodes { name } } }`
  const refused = await ask(callerWith('admin', [OWN]), query)
  expect(refused.errors?.[0]?.message).toBe(`There is no server ${FOREIGN_SERVER}`)
})

test.each(ROLES)(
  'a %s of one app gets plans of deletes only as its role deletes, and never of another app',
  async (role) => {
    const caller = callerWith(role, [OWN])
    const code = async (n: number, app: string, name: 'deleteBackups' | 'deleteSnapshots') => {
      const { errors } = await ask(caller, `{ ${name}Plan${mutationsOf(n, app)[name]} { goodOfAll } }`)
      return (errors?.[0]?.originalError as { code?: string } | undefined)?.code
    }
    const own = role === 'admin' ? [undefined, 'BAD_INPUT'] : ['NOT_PERMITTED', 'NOT_PERMITTED']
    expect([await code(0, OWN, 'deleteBackups'), await code(0, OWN, 'deleteSnapshots')]).toEqual(own)
    expect(await code(2, FOREIGN, 'deleteBackups')).toBe('NOT_FOUND')
    expect(await code(2, FOREIGN, 'deleteSnapshots')).toBe('NOT_FOUND')
  },
)

test('only whoever may see everything is told about the process of a daemon', async () => {
  const query = `{ server(ip: "${OWN_SERVER}") { debug { runningTasks } } }`
  const refused = await ask(callerWith('admin', [OWN]), query)
  expect(refused.errors?.[0]?.message).toContain('of everything may see it')
  expect((await ask(callerWith('viewer', null), query)).errors).toBeUndefined()
})

/** The arguments of each mutation for one app. */
function mutationsOf(n: number, app: string): Record<string, string> {
  const given = namesOf(n, app)
  const name = `${app}-${app}.web.web-1-data-${app}-1795425846.tar.gz`
  const [, server = ''] = PLACES[n] ?? []
  const backup = `app: "${app}", proc: "web", server: "${server}"`
  const unended = runningRid(ridOf(n + 1))
  return {
    acknowledgeAlarm: `(id: "alarm-${app}", until: "2099-01-01T00:00:00Z", why: "x") { id }`,
    cancelRecord: `(rid: "${unended}") { rid }`,
    confirmClock: `(ip: "${server}") { ip }`,
    copyCatalog: '(dir: "/nowhere") { path }',
    createToken: '(input: { name: "x", roles: [ADMIN] }) { text }',
    deleteBackups: `(${backup}, names: ["${name}"])`,
    deleteSnapshots: `(${backup}, backup: "${name}", snapshots: ["ab"])`,
    endSession: '(id: "x") { id }',
    enforceAccess: '',
    hold: `(target: { ${backup}, backup: "${name}" }, reason: "x") { id }`,
    release: `(target: { ${backup}, backup: "${name}" }) { id }`,
    migrate: `(input: { ${backup}, backup: "${name}", to: 2, volume: "/data/${app}" }) { rid }`,
    rebuildCatalog: '(dryRun: true) { dryRun }',
    restoreDeleted: `(${backup}, names: ["${name}"])`,
    recover: `(input: { ${backup}, backup: "${name}" }) { rid }`,
    inviteServer: `(ip: "${server}") { expiresAt }`,
    rotateAuthority: '{ fingerprint }',
    retireAuthority: '{ fingerprint }',
    revokeServer: `(ip: "${server}") { revoked }`,
    revokeToken: '(id: "x") { id }',
    runJob: `${given['Query.job']} { rid }`,
    sleepJob: `${given['Query.job']} { id }`,
    startScheduler: `(ip: "${server}") { ip }`,
    stopScheduler: `(ip: "${server}") { ip }`,
    testNotification: '(sink: "pager") { id }',
    drillBackup: `(${backup}, name: "${name}") { rid }`,
    dropKeptOld: `(rid: "${unended}") { rid }`,
    undoRecover: `(rid: "${unended}") { rid }`,
    verifyBackup: `(${backup}, name: "${name}") { rid }`,
    acknowledgeUnusual: `(${backup}, name: "${name}") { name }`,
    wakeJob: `${given['Query.job']} { id }`,
  }
}

/** What deletes the backup of the others comes last. */
const MUTATIONS = Object.keys(schema.getMutationType()?.getFields() ?? {}).sort(
  (one, other) => Number(one === 'deleteBackups') - Number(other === 'deleteBackups'),
)

/** The code of the refusal; undefined if it was allowed, whatever came of it then. */
async function judge(
  caller: Caller,
  name: string,
  given: Record<string, string>,
): Promise<string | undefined> {
  const { errors } = await ask(caller, `mutation { ${name}${given[name]} }`)
  const code = (errors?.[0]?.originalError as { code?: string } | undefined)?.code
  return code === 'NOT_PERMITTED' || code === 'NOT_FOUND' ? code : undefined
}

/** What each daemon was asked for, and has since. */
function countAsked() {
  return PLACES.map(([, ip]) => {
    const { asked, records, recovers, verifies, drills, keptChanges, backups, debug, jobs } =
      kit.daemons.at(ip)
    const asleep = jobs.filter(({ job }) => job.sleep).length
    return [
      asked.length,
      records.size,
      recovers.length,
      verifies.length,
      drills.length,
      keptChanges.length,
      backups.length,
      debug.crond_status,
      asleep,
    ]
  })
}

const ALLOWED: Readonly<Record<string, string>> = {
  viewer: '',
  operator: 'acknowledge cancel run sleep wake verify',
  restorer: 'recover migrate',
  admin: 'acknowledge cancel run sleep wake verify recover migrate delete hold',
}

test.each(ROLES)('a %s of one app may call what its rules say, and nothing for another app', async (role) => {
  const caller = callerWith(role, [OWN])
  for (const name of MUTATIONS) {
    const [action = '', target] = (JUDGED_FIELDS[`Mutation.${name}`] ?? '').split(' of ')
    const isOfServer = ['scheduler', 'clock'].includes(action)
    const refusal = target === 'app' || isOfServer ? 'NOT_FOUND' : 'NOT_PERMITTED'
    const before = countAsked()
    expect([name, await judge(caller, name, mutationsOf(2, FOREIGN))]).toEqual([name, refusal])
    const isAllowed = target === 'app' && ALLOWED[role]?.split(' ').includes(action)
    if (!isAllowed)
      expect([name, await judge(caller, name, mutationsOf(0, OWN))]).toEqual([name, 'NOT_PERMITTED'])
    expect(countAsked()).toEqual(before)
    if (isAllowed) expect([name, await judge(caller, name, mutationsOf(0, OWN))]).toEqual([name, undefined])
  }
})

test('every mutation is refused without a role, and to a viewer of everything', async () => {
  const before = countAsked()
  for (const name of MUTATIONS) {
    expect([name, await judge(NOBODY, name, mutationsOf(0, OWN))]).toEqual([
      name,
      expect.stringMatching(/^NOT_/),
    ])
    expect([name, await judge(callerWith('viewer', null), name, mutationsOf(0, OWN))]).toEqual([
      name,
      'NOT_PERMITTED',
    ])
  }
  expect(countAsked()).toEqual(before)
})

test('a run keeps the app of its job, whatever its daemon writes', async () => {
  const planned = kit.world.inventory.plan.jobs.find(
    ({ server, volume }) => volume?.app === FOREIGN && server === SHARED_SERVER,
  )
  const lying = sampleRecord({
    rid: ridOf(77),
    server: SHARED_SERVER,
    jobId: planned?.id ?? '',
    args: { app: OWN },
  })
  await kit.world.ledger.apply([lying])
  const record = `{ record(rid: "${ridOf(77)}") { app } }`
  expect((await ask(callerWith('viewer', [OWN]), record)).data).toEqual({ record: null })
  const named = sampleRecord({ rid: ridOf(78), server: SHARED_SERVER, jobId: '', args: { app: FOREIGN } })
  await kit.world.ledger.apply([named, { ...named, seq: 2, args: { app: OWN } }])
  await kit.world.ledger.apply([{ ...named, seq: 3, state: 'success', args: {} }])
  expect((await ask(ADMIN, `{ record(rid: "${ridOf(78)}") { app state } }`)).data).toEqual({
    record: { app: FOREIGN, state: 'SUCCESS' },
  })
})
