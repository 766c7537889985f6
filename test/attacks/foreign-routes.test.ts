import { expect, test } from 'vitest'
import type { Role } from '../../src/domain/access/roles.ts'
import { REST_ROUTES } from '../../src/rest-compat/routes.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { socketClient } from '../support/real-controller.ts'
import { authorize, FOREIGN, FOREIGN_SERVER, type KnownIds, OWN, startTwoApps } from '../support/two-apps.ts'

/** By GraphQL operation: which roles may ask for it. A route that is added runs an operation that must be here. */
const OPERATIONS: Readonly<Record<string, readonly Role[] | 'all' | 'everything'>> = {
  LegacyJobs: 'all',
  LegacyJob: 'all',
  LegacyAllJobs: 'all',
  LegacyServerJobs: 'all',
  LegacyServerDebug: 'everything',
  LegacyServer: 'all',
  LegacyRecords: 'all',
  LegacyRecord: 'all',
  LegacyBackups: 'all',
  LegacyBackup: 'all',
  LegacyFiles: 'all',
  LegacyRun: ['operator', 'admin'],
  LegacySleep: ['operator', 'admin'],
  LegacyWake: ['operator', 'admin'],
  LegacyRecover: ['restorer', 'admin'],
  LegacyMigrate: ['restorer', 'admin'],
  LegacyDelete: ['admin'],
  LegacyStart: 'everything',
  LegacyStop: 'everything',
  LegacyCopy: 'everything',
}

/** What does not exist, with names as long as those of the foreign app. */
const ABSENT: KnownIds = {
  app: 'zz-absent',
  server: '10.0.0.77',
  rid: ridOf(0xabc),
  runningRid: ridOf(0xabd),
  jobId: '0a00004d00000000000000000000000000000000',
  backup: 'zz-absent-zz-absent.web.web-1-data-zz-absent-1795425846.tar.gz',
}

function fillPath(path: string, ids: KnownIds): string {
  const params: Readonly<Record<string, string>> = {
    ...{ app: ids.app, proc: 'web', id: ids.jobId, rid: ids.rid, ip: ids.server, action: 'other' },
    ...{ name: ids.backup, file: ids.backup, dir: ids.backup },
  }
  return path
    .replace(/:(\w+)/g, (_all, name) => encodeURIComponent(params[name] ?? ''))
    .replace('*', encodeURIComponent(ids.backup))
}

/** A field for each route that needs one. */
function makeBody(ids: KnownIds): string {
  const volume = ids.app === OWN ? `/data/${OWN}` : '/data/x'
  return new URLSearchParams({ files: ids.backup, volume, to: '2', dir: '/nowhere' }).toString()
}

interface Answer {
  status: number
  code: string | null
  body: string
  warning: string | null
}

async function request(
  url: string,
  { method, path }: { method: string; path: string },
  { ids, token }: { ids: KnownIds; token?: string },
): Promise<Answer> {
  const body = method === 'GET' ? null : makeBody(ids)
  const headers = {
    ...authorize(token),
    ...(body !== null && { 'content-type': 'application/x-www-form-urlencoded' }),
  }
  const answer = await fetch(url + fillPath(path, ids), { method, headers, body })
  return {
    status: answer.status,
    code: answer.headers.get('x-backupd-error-code'),
    body: await answer.text(),
    warning: answer.headers.get('warning'),
  }
}

/** With all names of the ids replaced, so that two answers differ only in what they say. */
function withoutNames(answer: Answer, ids: KnownIds): string {
  const names = [ids.backup, ids.jobId, ids.rid, ids.runningRid, ids.server, ids.app]
  return names.reduce((text, name) => text.replaceAll(name, '…'), JSON.stringify(answer))
}

test('every route runs an operation that has a rule', () => {
  expect([...new Set(REST_ROUTES.map(({ operation }) => operation))].sort()).toEqual(
    Object.keys(OPERATIONS).sort(),
  )
})

test('no route answers without a token', async () => {
  const { url, own } = await startTwoApps()
  for (const route of REST_ROUTES) {
    const { status, code } = await request(url, route, { ids: own })
    expect([route.path, status, code]).toEqual([route.path, 401, 'UNAUTHENTICATED'])
  }
})

test.each(['viewer', 'operator', 'restorer', 'admin'] as const)(
  'a %s of one app is answered on every route as its rule says, and as if the other app did not exist',
  async (role) => {
    const { url, own, foreign, createToken } = await startTwoApps()
    const { text: token } = await createToken(role, [OWN])
    for (const route of REST_ROUTES) {
      const rule = OPERATIONS[route.operation]
      const name = `${route.method} ${route.path}`
      const seen = await request(url, route, { ids: foreign, token })
      const missing = await request(url, route, { ids: ABSENT, token })
      expect([name, withoutNames(seen, foreign)]).toEqual([name, withoutNames(missing, ABSENT)])
      const answer = await request(url, route, { ids: own, token })
      expect([name, answer.body + answer.warning]).toEqual([name, expect.not.stringContaining(FOREIGN)])
      expect([name, answer.body + answer.warning]).toEqual([
        name,
        expect.not.stringContaining(FOREIGN_SERVER),
      ])
      const isAllowed = rule === 'all' || (rule !== 'everything' && rule?.includes(role))
      const refusal = isAllowed
        ? [name, expect.not.stringMatching('NOT_PERMITTED|UNAUTHENTICATED')]
        : [name, 'NOT_PERMITTED']
      expect([name, String(answer.code)]).toEqual(refusal)
      if (!isAllowed) expect([name, answer.status]).toEqual([name, 403])
    }
  },
)

test('whoever may see everything is told of both apps by the lists of all', async () => {
  const { url, admin, own } = await startTwoApps()
  const lists = REST_ROUTES.filter(({ operation }) => operation === 'LegacyAllJobs')
  expect(lists).toHaveLength(2)
  for (const route of lists) {
    const { body } = await request(url, route, { ids: own, token: admin })
    expect(body).toContain(OWN)
    expect(body).toContain(FOREIGN)
  }
})

interface Told {
  recordUpdated: {
    kind: string
    record: { rid: string; app: string; server: { jobs: { args: { app?: string } }[] } }
  }
}

const WATCH = `subscription ($since: Int, $rid: ID, $app: ID) { recordUpdated(since: $since, rid: $rid, app: $app) {
  kind record { rid app server { jobs { args } } } } }`

test.each([
  ['the present records', {}],
  ['what was missed', { since: 0 }],
  ['one foreign record', { since: 0, rid: ridOf(6) }],
  ['one foreign app', { since: 0, app: FOREIGN }],
])('a subscription of one app tells nothing of another: %s', async (_what, variables) => {
  const { url, own, foreign, createToken } = await startTwoApps()
  const { text: token } = await createToken('operator', [OWN])
  const everything = await createToken('viewer')
  const watch = (sent: string, asked: Record<string, unknown>) => {
    const events = socketClient(url, {}, { authorization: `Bearer ${sent}` }).iterate<Told>({
      query: WATCH,
      variables: asked,
    })
    return async (): Promise<Told['recordUpdated']> => (await events.next()).value.data.recordUpdated
  }
  const post = async (ids: KnownIds, seq: number) => {
    const run = sampleRecord({
      rid: ids.runningRid,
      server: ids.server,
      jobId: ids.jobId,
      seq,
      args: { app: ids.app },
    })
    const records = [{ ...run, state: 'success', end: '2026-11-23T10:45:00Z' }]
    const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: ids.server, records, running: [] })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url}/api/v2/system/notify`, { method: 'POST', headers, body })
  }
  // The same document, so that its answers would be shared if what callers may see did not count.
  const whole = watch(everything.text, {})
  const seenByAll = [await whole(), await whole()]
  expect(new Set(seenByAll.map(({ record }) => record.app))).toEqual(new Set([OWN, FOREIGN]))
  const next = watch(token, variables)
  const isOfForeign = 'rid' in variables || 'app' in variables
  const before = isOfForeign ? [] : 'since' in variables ? [await next(), await next()] : [await next()]
  const waiting = next()
  await post(foreign, 99)
  await post(own, 99)
  expect([(await whole()).record.app, (await whole()).record.app]).toEqual([FOREIGN, OWN])
  const told = isOfForeign ? [] : [...before, await waiting]
  expect(told.map(({ record }) => record.app)).toEqual(told.map(() => OWN))
  expect(told.flatMap(({ record }) => record.server.jobs).filter(({ args }) => args.app !== OWN)).toEqual([])
  const nothing = Promise.race([waiting.then(({ record }) => record.app, String), Promise.resolve('nothing')])
  if (isOfForeign) expect(await nothing).toBe('nothing')
})
