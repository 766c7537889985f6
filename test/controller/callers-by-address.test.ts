import { once } from 'node:events'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { parseAddressRules } from '../../src/controller/address-rules.ts'
import { type RawRequest, rawRequest } from '../support/raw-http.ts'
import { authorize, FOREIGN, OWN, startTwoApps } from '../support/two-apps.ts'

const CALLER = '127.0.0.3'
const PROXY = '127.0.0.2'

interface Rules {
  anonymousFrom?: string[]
  trustedProxy?: string[]
  anonymous?: 'none' | 'viewer' | 'admin'
}

function start({ anonymousFrom = [], trustedProxy = [], anonymous = 'none' }: Rules) {
  const rules = parseAddressRules({ anonymousFrom, trustedProxy })
  return startTwoApps({ access: { anonymous, insecureHttp: false, ...rules } })
}

interface Answer {
  status: number
  data?: Record<string, unknown>
  errors?: { message: string; extensions: { code: string } }[]
}

async function ask(url: string, query: string, request: Partial<RawRequest> = {}): Promise<Answer> {
  const path = `/graphql?query=${encodeURIComponent(query)}`
  const headers = { 'apollo-require-preflight': '1', ...request.headers }
  const { status, body } = await rawRequest(url, { ...request, path, headers })
  return { status, ...(JSON.parse(body) as Omit<Answer, 'status'>) }
}

const APPS = '{ apps { name } }'
const VIEWER = '{ viewer { kind name address grants { role apps } } }'

test('callers of a range have its roles, and others have none', async () => {
  const anonymousFrom = [`${CALLER}=viewer:${OWN}`, '127.0.0.0/29=operator:team-*']
  const { url, log } = await start({ anonymousFrom })
  expect(await ask(url, VIEWER, { from: CALLER })).toEqual({
    status: 200,
    data: {
      viewer: {
        ...{ kind: 'ANONYMOUS', name: 'anonymous', address: CALLER },
        grants: [
          { role: 'VIEWER', apps: [OWN] },
          { role: 'OPERATOR', apps: ['team-*'] },
        ],
      },
    },
  })
  expect((await ask(url, APPS, { from: CALLER })).data).toEqual({ apps: [{ name: OWN }] })
  expect((await ask(url, APPS, { from: '127.0.0.4' })).data).toEqual({ apps: [] })
  const refused = await ask(url, APPS, { from: '127.0.0.9' })
  expect(refused.status).toBe(401)
  expect(refused.errors?.[0]?.message).toContain('Authorization: Bearer')
  expect(log.lines.join()).toContain(`viewer of ${OWN} from ${CALLER}; operator of team-* from 127.0.0.0/29`)
})

test('roles of an address do not manage access', async () => {
  const { url } = await start({ anonymousFrom: [`${CALLER}=admin`] })
  const { errors } = await ask(url, '{ tokens { id } }', { from: CALLER })
  expect(errors?.[0]?.extensions.code).toBe('NOT_PERMITTED')
})

test('what a caller forwards takes every role without a token away', async () => {
  for (const rules of [{ anonymousFrom: [`${CALLER}=viewer`] }, { anonymous: 'admin' } as const]) {
    const { url, admin } = await start(rules)
    expect((await ask(url, APPS, { from: CALLER })).status).toBe(200)
    for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP']) {
      const refused = await ask(url, APPS, { from: CALLER, headers: { [name]: CALLER } })
      expect([refused.status, refused.errors?.[0]?.message]).toEqual([
        401,
        expect.stringContaining('forwarded'),
      ])
    }
    const headers = { 'X-Forwarded-For': '203.0.113.7', ...authorize(admin) }
    const { data } = await ask(url, VIEWER, { from: CALLER, headers })
    expect(data?.viewer).toMatchObject({ kind: 'TOKEN', address: CALLER })
  }
})

test('behind a trusted proxy, the caller counts, and not the proxy', async () => {
  const { url } = await start({ anonymousFrom: ['203.0.113.0/24=viewer'], trustedProxy: [PROXY] })
  const through = (forwarded: string | string[]) =>
    ask(url, VIEWER, { from: PROXY, headers: { 'X-Forwarded-For': forwarded } })
  expect((await through('203.0.113.7')).data?.viewer).toMatchObject({ address: '203.0.113.7' })
  expect((await through(['127.0.0.3', '203.0.113.8'])).data?.viewer).toMatchObject({ address: '203.0.113.8' })
  for (const other of ['198.51.100.1', '203.0.113.7, 198.51.100.1', 'unknown', '203.0.113.7,'])
    expect([other, (await through(other)).status]).toEqual([other, 401])
  const spoofed = { from: CALLER, headers: { 'X-Forwarded-For': '203.0.113.7' } }
  expect((await ask(url, VIEWER, spoofed)).status).toBe(401)
  expect((await ask(url, VIEWER, { from: PROXY })).status).toBe(401)
})

test('a header that is too large is refused before anything is read from it', async () => {
  const { url } = await start({ anonymousFrom: ['203.0.113.0/24=viewer'], trustedProxy: [PROXY] })
  const headers = { 'X-Forwarded-For': `${'203.0.113.7, '.repeat(4000)}203.0.113.7` }
  expect((await rawRequest(url, { path: '/metrics', from: PROXY, headers })).status).toBe(431)
})

test('a trusted proxy answers for TLS, and nobody else does', async () => {
  const { url, admin } = await start({ trustedProxy: [PROXY] })
  const through = async (scheme: Record<string, string>) => {
    const headers = { 'X-Forwarded-For': '203.0.113.7', ...scheme, ...authorize(admin) }
    return ask(url, VIEWER, { from: PROXY, headers })
  }
  expect((await through({ 'X-Forwarded-Proto': 'https' })).data?.viewer).toMatchObject({ kind: 'TOKEN' })
  const schemes: Record<string, string>[] = [
    {},
    { 'X-Forwarded-Proto': 'http' },
    { 'X-Forwarded-Proto': 'https, http' },
  ]
  for (const scheme of schemes)
    expect((await through(scheme)).errors?.[0]?.extensions.code).toBe('TLS_REQUIRED')
})

test('a cookie over plain HTTP from elsewhere is nobody on the pages for everybody, and forgotten elsewhere', async () => {
  const { url } = await start({ trustedProxy: [PROXY] })
  const headers = {
    ...{ 'X-Forwarded-For': '203.0.113.7', 'apollo-require-preflight': '1' },
    cookie: `backupd-session=bks_0123456789abcdef_${'A'.repeat(43)}`,
  }
  expect((await rawRequest(url, { path: '/healthz', from: PROXY, headers })).status).toBe(200)
  const path = `/graphql?query=${encodeURIComponent(VIEWER)}`
  const refused = await rawRequest(url, { path, from: PROXY, headers })
  expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('TLS_REQUIRED')])
  expect(refused.headers['set-cookie']).toEqual([expect.stringContaining('Max-Age=0')])
})

/** What a WebSocket is answered first, or the code that it is closed with. */
async function openSocket(url: string, { from, headers = {}, payload = {} }: SocketRequest) {
  const options = { localAddress: from, headers }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  const first = once(socket, 'message').then(([data]) => JSON.parse(String(data)).type)
  return Promise.race([first, once(socket, 'close').then(([code]) => code)])
}

interface SocketRequest {
  from: string
  headers?: Record<string, string>
  payload?: object
}

test('WebSockets follow the same rules', async () => {
  const rules = { anonymousFrom: [`${CALLER}=viewer`, '203.0.113.0/24=viewer'], trustedProxy: [PROXY] }
  const { url, admin } = await start(rules)
  const forwarded = { 'X-Forwarded-For': '203.0.113.7' }
  expect(await openSocket(url, { from: CALLER })).toBe('connection_ack')
  expect(await openSocket(url, { from: '127.0.0.4' })).toBe(4401)
  expect(await openSocket(url, { from: CALLER, headers: forwarded })).toBe(4401)
  expect(await openSocket(url, { from: PROXY, headers: forwarded })).toBe('connection_ack')
  const payload = authorize(admin)
  expect(await openSocket(url, { from: PROXY, headers: forwarded, payload })).toBe(4401)
  const secure = { ...forwarded, 'X-Forwarded-Proto': 'https' }
  expect(await openSocket(url, { from: PROXY, headers: secure, payload })).toBe('connection_ack')
})

test('the audit, the list of callers without a token, and legacy URLs have the address of the caller', async () => {
  const rules = { anonymousFrom: ['203.0.113.0/24=operator'], trustedProxy: [PROXY] }
  const { url, admin, ask: askWith, own, folder } = await start(rules)
  const forwarded = { 'X-Forwarded-For': '203.0.113.7' }
  const path = `/api/v2/app/${OWN}/cron/jobs/${own.jobId}/actions/sleep`
  const { status } = await rawRequest(url, { method: 'POST', path, from: PROXY, headers: forwarded })
  expect(status).not.toBe(401)
  await ask(url, VIEWER, { from: PROXY, headers: forwarded })
  const { data } = await askWith<{ anonymousUses: { address: string }[] }>(
    admin,
    '{ anonymousUses { address request } }',
  )
  expect(data?.anonymousUses.map(({ address }) => address)).toEqual(['203.0.113.7', '203.0.113.7'])
  const database = new Database(`${folder}/controller/catalog.db`, { readonly: true })
  const last = database
    .prepare('SELECT "who" FROM "Audit" WHERE "begin" IS NOT NULL ORDER BY "id" DESC LIMIT 1')
    .get()
  database.close()
  expect(last).toEqual({ who: 'rest 203.0.113.7' })
})

test('news through a trusted proxy comes from the address of its sender', async () => {
  const { url } = await start({ trustedProxy: [PROXY] })
  const headers = { 'content-type': 'application/json', 'X-Forwarded-For': '203.0.113.7' }
  const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: '10.0.0.66', records: [], running: [] })
  const path = '/api/v2/system/notify'
  const direct = await rawRequest(url, { method: 'POST', path, body, headers: { ...headers } })
  expect(direct.status).toBe(200)
  const forged = await rawRequest(url, { method: 'POST', path, body, headers, from: PROXY })
  expect([forged.status, forged.body]).toEqual([403, expect.stringContaining('203.0.113.7')])
})

test('an app outside the range of a caller does not exist for it', async () => {
  const { url, foreign } = await start({ anonymousFrom: [`${CALLER}=admin:${OWN}`] })
  const { data } = await ask(
    url,
    `{ app(name: "${FOREIGN}") { name } record(rid: "${foreign.rid}") { rid } }`,
    {
      from: CALLER,
    },
  )
  expect(data).toEqual({ app: null, record: null })
})
