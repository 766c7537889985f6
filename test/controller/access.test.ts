import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { askGraphQL, socketClient, startTestController, testFolder } from '../support/real-controller.ts'
import { authorize, FOREIGN, OWN, startTwoApps } from '../support/two-apps.ts'

const APPS = '{ apps { name } }'
const VIEWER = '{ viewer { kind name roles grants { role apps } can(action: RUN) { allowed because } } }'

const basic = (password: string) => `Basic ${Buffer.from(`someone:${password}`).toString('base64')}`

test('without a token nothing is answered, and the refusal says how to sign in', async () => {
  const { url } = await startTwoApps()
  const paths = [
    '/api/v2/app/shop/cron/jobs',
    '/metrics',
    '/graphql?query={apps{name}}',
    '/nowhere',
    '/api/v1/x',
  ]
  for (const path of paths) {
    const answer = await fetch(`${url}${path}`, { headers: { 'apollo-require-preflight': '1' } })
    expect([path, answer.status]).toEqual([path, 401])
    expect(answer.headers.get('x-backupd-error-code')).toBe('UNAUTHENTICATED')
    expect(await answer.text()).toContain('Authorization: Bearer')
    // A browser would ask for a password if it saw Basic here.
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="backupd"')
  }
  const { status, errors, data } = await askGraphQL(url, APPS)
  expect([status, errors?.[0]?.extensions.code, data]).toEqual([401, 'UNAUTHENTICATED', undefined])
})

test('a token is accepted as a bearer, and as the password of Basic', async () => {
  const { url, admin, ask, createToken } = await startTwoApps()
  for (const authorization of [`Bearer ${admin}`, `bearer   ${admin}`, basic(admin)]) {
    const { data } = await askGraphQL(url, VIEWER, {}, { authorization })
    expect(data?.viewer).toEqual({
      ...{ kind: 'TOKEN', name: 'first admin', roles: ['ADMIN'], grants: [{ role: 'ADMIN', apps: null }] },
      can: { allowed: true, because: 'The role admin allows it' },
    })
  }
  const { text: operator } = await createToken('operator', [OWN])
  const { data } = await ask(
    operator,
    `{ viewer { grants { apps }
    own: can(action: RUN, app: "${OWN}") { allowed } other: can(action: RUN, app: "x") { allowed because } } }`,
  )
  expect(data?.viewer).toEqual({
    grants: [{ apps: [OWN] }],
    own: { allowed: true },
    other: { allowed: false, because: 'Only operator or admin of "x" may run jobs; you have no role there' },
  })
  const rest = await fetch(`${url}/api/v2/app/${OWN}/cron/jobs`, {
    headers: { authorization: basic(operator) },
  })
  expect([rest.status, ((await rest.json()) as unknown[]).length]).toEqual([200, 2])
})

test('credentials that are not valid are refused, and never count as none', async () => {
  const { url, admin } = await startTwoApps({ access: { anonymous: 'admin', insecureHttp: false } })
  const wrong = [admin.slice(0, -1), `${admin}x`, 'x', ''].flatMap((token) => [
    `Bearer ${token}`,
    basic(token),
  ])
  for (const authorization of [...wrong, '', 'Digest x', `Bearer ${admin} x`, admin, `Basic ${admin}`]) {
    const answer = await askGraphQL(url, APPS, {}, { authorization })
    expect([authorization, answer.status]).toEqual([authorization, 401])
    expect(JSON.stringify(answer)).not.toContain(admin.slice(0, -1))
  }
  expect((await askGraphQL(url, APPS)).status).toBe(200)
  for (const query of [`token=${admin}`, `access_token=${admin}`, `authorization=Bearer%20${admin}`])
    expect((await fetch(`${url}/healthz?${query}`)).status).toBe(200)
})

test('what is public shows nothing of what is backed up', async () => {
  const { url, admin } = await startTwoApps()
  const health = await fetch(`${url}/healthz`)
  expect(await health.json()).toEqual({ status: 'degraded', version: '1.2.3' })
  const whole = await fetch(`${url}/healthz`, { headers: authorize(admin) })
  expect(Object.keys((await whole.json()) as object)).toEqual([
    ...['status', 'version', 'reason', 'catalog', 'inventory', 'servers'],
  ])
  const start = await fetch(`${url}/`, { headers: { accept: 'text/html' } })
  expect([start.status, await start.text()]).toEqual([200, expect.not.stringContaining(OWN)])
})

test('/metrics needs a role for everything', async () => {
  const { url, admin, createToken } = await startTwoApps()
  const read = async (token: string) => (await fetch(`${url}/metrics`, { headers: authorize(token) })).status
  expect(await read((await createToken('viewer', [OWN])).text)).toBe(403)
  expect(await read((await createToken('viewer')).text)).toBe(200)
  expect(await read(admin)).toBe(200)
})

test('a page of another site can use neither Basic nor a token', async () => {
  const { url, admin } = await startTwoApps()
  const foreign: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of foreign) {
    const answer = await askGraphQL(url, APPS, {}, { authorization: basic(admin), ...headers })
    expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([403, 'FORBIDDEN'])
  }
})

/** An address of this machine that is not loopback. */
function findOwnAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address
}

const address = findOwnAddress()

/** Asks 127.0.0.1 from an address that is neither loopback nor the one that is asked, as another machine would. */
function askFromElsewhere(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const options = { localAddress: address, headers: { 'apollo-require-preflight': '1', ...headers } }
  get(`${url}/graphql?query={apps{name}}`, options, (answer) => {
    text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject)
  }).on('error', reject)
  return promise
}

test.skipIf(address === undefined)('from another machine, a token over plain HTTP is refused', async () => {
  const { url, admin } = await startTwoApps()
  for (const authorization of [`Bearer ${admin}`, basic(admin), 'Bearer wrong']) {
    const { status, body } = await askFromElsewhere(url, { authorization, 'x-forwarded-proto': 'https' })
    expect([status, body]).toEqual([403, expect.stringContaining('TLS_REQUIRED')])
  }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    localAddress: address,
  })
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${admin}` } }))
  })
  expect((await once(socket, 'close'))[0]).toBe(4401)
  const open = await startTwoApps({ access: { anonymous: 'none', insecureHttp: true } })
  expect((await askFromElsewhere(open.url, { authorization: `Bearer ${open.admin}` })).status).toBe(200)
})

test.skipIf(address === undefined)(
  'on the machine itself, its own address is as good as loopback',
  async () => {
    const { url, admin } = await startTwoApps({ host: '0.0.0.0' })
    const own = url.replace('0.0.0.0', address ?? '')
    expect((await askGraphQL(own, APPS, {}, authorize(admin))).status).toBe(200)
  },
)

test('a socket is opened with a token in its first message or in its header, and not without', async () => {
  const { url, admin } = await startTwoApps()
  for (const [headers, params] of [
    [authorize(admin), {}],
    [{}, { authorization: `Bearer ${admin}` }],
    [{}, { Authorization: `Bearer ${admin}` }],
  ] as const) {
    const first = await socketClient(url, headers, params).iterate({ query: APPS }).next()
    expect(first.value?.data?.apps).toHaveLength(2)
  }
  for (const [headers, params] of [
    [{}, {}],
    [{}, { authorization: 'Bearer wrong' }],
    [authorize(admin), { authorization: 'Bearer wrong' }],
    [{}, { authorization: { toString: 'x' } }],
    [{}, { authorization: '' }],
  ] as const) {
    const refused = socketClient(url, headers, params).iterate({ query: APPS }).next()
    await expect(refused).rejects.toMatchObject({ code: 4401 })
  }
})

/** A socket of plain messages. */
function openSocket(url: string, token: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const messages: { type: string }[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  const send = (message: object) => socket.send(JSON.stringify(message))
  socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }))
  const ended = new Promise<number>((resolve) => socket.on('close', resolve))
  return { socket, messages, send, ended }
}

test('a revoked token ends its open sockets, and nothing is answered on them before', async () => {
  const { url, admin, ask, createToken } = await startTwoApps()
  const {
    text: token,
    token: { id },
  } = await createToken('viewer')
  const { messages, send, ended } = openSocket(url, token)
  await expect.poll(() => messages.length).toBe(1)
  send({ id: '1', type: 'subscribe', payload: { query: 'subscription { recordUpdated { seq } }' } })
  await expect.poll(() => messages.some(({ type }) => type === 'next')).toBe(true)
  const { data } = await ask(admin, 'mutation ($id: ID!) { revokeToken(id: $id) { name } }', { id })
  expect(data).toEqual({ revokeToken: { name: 'viewer' } })
  send({ id: '2', type: 'subscribe', payload: { query: APPS } })
  expect(await ended).toBe(4401)
  const answered = messages.filter((message) => 'id' in message && message.id === '2').map(({ type }) => type)
  expect(answered.filter((type) => type === 'next')).toEqual([])
  expect((await ask(token, APPS)).status).toBe(401)
  expect(
    (await ask(admin, 'mutation ($id: ID!) { revokeToken(id: $id) { name } }', { id })).errors?.[0],
  ).toMatchObject({
    extensions: { code: 'NOT_FOUND' },
  })
})

test('a token is shown once; neither the list nor the audit nor the log has it', async () => {
  const { admin, ask, createToken, log, folder } = await startTwoApps()
  const { text: token } = await createToken('operator', [OWN, 'team-*'])
  await ask(token, APPS)
  const { data } = await ask<{ tokens: { lastUsedAt: string }[] }>(
    admin,
    '{ tokens { id name grants { role apps } createdBy expiresAt lastUsedAt } }',
  )
  expect(data?.tokens).toMatchObject([
    { name: 'first admin', grants: [{ role: 'ADMIN', apps: null }], createdBy: 'first start' },
    { name: 'operator', grants: [{ role: 'OPERATOR', apps: [OWN, 'team-*'] }], expiresAt: null },
  ])
  expect(data?.tokens[1]?.lastUsedAt).not.toBeNull()
  const secret = token.slice(21)
  expect(JSON.stringify([data, log.lines])).not.toContain(secret)
  const database = new Database(`${folder}/controller/catalog.db`, { readonly: true })
  const rows = [
    database.prepare('SELECT * FROM "Token"').all(),
    database.prepare('SELECT * FROM "Audit"').all(),
  ]
  database.close()
  expect(JSON.stringify(rows)).toContain('createToken')
  expect(JSON.stringify(rows)).not.toContain(secret)
})

test.each([
  ['an empty name', { name: '' }, 'its name must have'],
  ['no role', { roles: [] }, 'it needs a role'],
  ['no app', { apps: [] }, '"apps" is empty'],
  ['a star in front', { apps: ['*a'] }, 'is not an app'],
  ['an end that has passed', { expiresAt: '2020-01-01T00:00:00Z' }, 'which has passed'],
])('a token with %s is refused', async (_what, wrong, message) => {
  const { admin, ask } = await startTwoApps()
  const input = { name: 'x', roles: ['VIEWER'], ...wrong }
  const { errors } = await ask(
    admin,
    'mutation ($input: TokenInput!) { createToken(input: $input) { text } }',
    { input },
  )
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining(message),
    extensions: { code: 'BAD_INPUT' },
  })
})

test('the audit says with which token something was asked for', async () => {
  const { ask, createToken, own, folder } = await startTwoApps()
  const {
    text: token,
    token: { id },
  } = await createToken('viewer')
  await ask(token, 'mutation ($id: ID!) { runJob(id: $id) { rid } }', { id: own.jobId })
  const database = new Database(`${folder}/controller/catalog.db`, { readonly: true })
  const last = database
    .prepare(
      `SELECT "who", "verb", "outcome" FROM "Audit" WHERE "verb" = 'runJob' ORDER BY "id" DESC LIMIT 1`,
    )
    .get()
  database.close()
  expect(last).toMatchObject({
    who: `graphql 127.0.0.1 with the token "viewer" (${id})`,
    verb: 'runJob',
    outcome: expect.stringContaining('refused: NOT_PERMITTED Only operator or admin'),
  })
})

test('a body is not read before it is known who sends it', async () => {
  const { url } = await startTwoApps()
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n')
  socket.write('content-length: 500000\r\nconnection: close\r\n\r\n{"query"')
  expect(await text(socket)).toContain('HTTP/1.1 401')
})

test('without credentials, a caller may do what --anonymous says', async () => {
  const { url, own } = await startTwoApps({ access: { anonymous: 'viewer', insecureHttp: false } })
  expect((await askGraphQL(url, APPS)).data).toEqual({ apps: [{ name: OWN }, { name: FOREIGN }] })
  const { errors } = await askGraphQL(url, 'mutation ($id: ID!) { runJob(id: $id) { rid } }', {
    id: own.jobId,
  })
  expect(errors?.[0]?.extensions.code).toBe('NOT_PERMITTED')
  expect((await askGraphQL(url, '{ tokens { id } }')).errors?.[0]?.extensions.code).toBe('NOT_PERMITTED')
})

/** A controller that was not told what callers without a token may do. */
const UNTOLD = { access: { anonymous: undefined, insecureHttp: false } } as const

test('fresh data begins closed', async () => {
  const { url, admin, ask } = await startTwoApps(UNTOLD)
  expect((await askGraphQL(url, APPS)).status).toBe(401)
  const { data } = await ask<{ anonymousUses: unknown[] }>(admin, '{ anonymousUses { request } }')
  expect(data).toEqual({ anonymousUses: [] })
})

/** Data as an earlier version leaves it: without a word of access, and without tokens. */
async function makeOlderData(): Promise<string> {
  const folder = await testFolder()
  const first = await startTestController({ folder })
  await first.close()
  const database = new Database(join(folder, 'controller', 'catalog.db'))
  database.exec(`DELETE FROM "Meta" WHERE "key" = 'access'; DELETE FROM "Token"`)
  database.close()
  for (const name of ['admin-token', 'access-enforced']) await rm(join(folder, 'controller', name))
  return folder
}

const ENFORCE = 'mutation { enforceAccess }'
const HEALTH = '{ health { controller { states because } } }'

test('data from before tokens stays open with a problem, until access is enforced', async () => {
  const folder = await makeOlderData()
  const first = await startTestController({ folder, ...UNTOLD })
  const { url } = first
  const open = await askGraphQL(url, HEALTH)
  expect(JSON.stringify(open.data)).toContain('Whoever reaches this controller may do everything')
  expect(first.log.lines.join()).toContain('backupd access enforce')
  const refused = await askGraphQL(url, ENFORCE)
  expect(refused.errors?.[0]).toMatchObject({ extensions: { code: 'NOT_PERMITTED' } })
  const token = (await readFile(join(folder, 'controller', 'admin-token'), 'utf8')).trim()
  const { errors, data } = await askGraphQL(
    url,
    '{ anonymousUses { address request count } }',
    {},
    authorize(token),
  )
  expect([errors, data]).toEqual([
    undefined,
    { anonymousUses: [{ address: '127.0.0.1', request: 'POST /graphql', count: 2 }] },
  ])
  const client = socketClient(url)
  const ended = client.iterate({ query: 'subscription { recordUpdated { seq } }' }).next()
  // Answered on the same socket, so the subscription has begun.
  expect((await client.iterate({ query: APPS }).next()).value?.errors).toBeUndefined()
  expect((await askGraphQL(url, ENFORCE, {}, authorize(token))).data).toEqual({ enforceAccess: true })
  expect((await askGraphQL(url, APPS)).status).toBe(401)
  await expect(ended).rejects.toMatchObject({ code: 4401 })
  const closed = await askGraphQL(url, HEALTH, {}, authorize(token))
  expect(closed.data).toEqual({ health: { controller: { states: ['OK'], because: expect.anything() } } })
  await first.close()
  const again = await startTestController({ folder, ...UNTOLD })
  expect((await askGraphQL(again.url, APPS)).status).toBe(401)
  expect((await askGraphQL(again.url, APPS, {}, authorize(token))).status).toBe(200)
})

test('a copy of the catalog from before access was enforced does not open the controller again', async () => {
  const folder = await makeOlderData()
  const catalog = join(folder, 'controller', 'catalog.db')
  const copy = await readFile(catalog)
  const first = await startTestController({ folder, ...UNTOLD })
  const token = (await readFile(join(folder, 'controller', 'admin-token'), 'utf8')).trim()
  expect((await askGraphQL(first.url, ENFORCE, {}, authorize(token))).data).toEqual({ enforceAccess: true })
  await first.close()
  await writeFile(catalog, copy)
  const { url } = await startTestController({ folder, ...UNTOLD })
  expect((await askGraphQL(url, APPS)).status).toBe(401)
})

test('what --anonymous says counts for any data, and is not a problem', async () => {
  const folder = await makeOlderData()
  const first = await startTestController({ folder, access: { anonymous: 'none', insecureHttp: false } })
  expect((await askGraphQL(first.url, APPS)).status).toBe(401)
  await first.close()
  const open = await startTestController({ folder, access: { anonymous: 'admin', insecureHttp: false } })
  expect(JSON.stringify((await askGraphQL(open.url, HEALTH)).data)).not.toContain('Whoever reaches')
})

test('the last token for everything is replaced at the next start', async () => {
  const { url, admin, ask, folder, close } = await startTwoApps()
  const { data } = await ask<{ tokens: { id: string }[] }>(admin, '{ tokens { id } }')
  await ask(admin, 'mutation ($id: ID!) { revokeToken(id: $id) { id } }', { id: data?.tokens[0]?.id })
  expect((await askGraphQL(url, APPS, {}, authorize(admin))).status).toBe(401)
  await close()
  const again = await startTestController({ folder, ...UNTOLD })
  const token = (await readFile(join(folder, 'controller', 'admin-token'), 'utf8')).trim()
  expect(token).not.toBe(admin)
  expect((await askGraphQL(again.url, APPS, {}, authorize(token))).status).toBe(200)
})
