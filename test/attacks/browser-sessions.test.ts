import { expect, test } from 'vitest'
import { askGraphQL, socketClient } from '../support/real-controller.ts'
import { authorize, OWN, startTwoApps } from '../support/two-apps.ts'

const VIEWER = '{ viewer { kind name roles } }'
const SESSIONS = '{ sessions { id name by current } }'

type Kit = Awaited<ReturnType<typeof startTwoApps>>

function post(url: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const all = { 'content-type': 'application/json', ...headers }
  return fetch(url + path, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

/** `NAME=TEXT`, as a browser sends it. */
function readCookie(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function signIn(url: string, token: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await post(url, '/login', { token }, headers)
  expect(answer.status).toBe(200)
  return readCookie(answer)
}

/** What a browser sends from a page of the controller. */
function fromPage({ url }: Kit, cookie: string) {
  return { cookie, origin: url, 'sec-fetch-site': 'same-origin' }
}

test('a session does what its token may, and ends with it', async () => {
  const kit = await startTwoApps()
  const { url, admin, ask, createToken } = kit
  const operator = await createToken('operator', [OWN])
  const answer = await post(url, '/login', { token: operator.text })
  expect(answer.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^backupd-session=bks_[0-9a-f]{16}_[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/,
    ),
  ])
  const headers = fromPage(kit, readCookie(answer))
  const { data } = await askGraphQL(url, VIEWER, {}, headers)
  expect(data?.viewer).toEqual({ kind: 'SESSION', name: 'operator', roles: ['OPERATOR'] })
  await ask(admin, 'mutation ($id: ID!) { revokeToken(id: $id) { id } }', { id: operator.token.id })
  const ended = await askGraphQL(url, VIEWER, {}, headers)
  expect([ended.status, ended.errors?.[0]?.message]).toEqual([401, 'Sign in again: your session has ended'])
})

test('holders list and end their own sessions, and admins all', async () => {
  const kit = await startTwoApps()
  const { url, admin, ask, createToken } = kit
  const viewer = (await createToken('viewer')).text
  const [own, others] = [await signIn(url, viewer), await signIn(url, admin)]
  const list = async (cookie: string) => {
    const { data } = await askGraphQL<{ sessions: { id: string }[] }>(
      url,
      SESSIONS,
      {},
      fromPage(kit, cookie),
    )
    return data?.sessions ?? []
  }
  expect(await list(own)).toEqual([expect.objectContaining({ name: 'viewer', by: 'TOKEN', current: true })])
  expect(await list(others)).toHaveLength(2)
  const foreign = (await list(others)).find(({ id }) => !own.includes(id))?.id
  const end = 'mutation ($id: ID!) { endSession(id: $id) { id } }'
  const refused = await askGraphQL(url, end, { id: foreign }, fromPage(kit, own))
  expect(refused.errors?.[0]?.extensions.code).toBe('NOT_PERMITTED')
  const [mine] = await list(own)
  expect((await ask(admin, end, { id: mine?.id })).errors).toBeUndefined()
  expect((await askGraphQL(url, VIEWER, {}, fromPage(kit, own))).status).toBe(401)
})

test('each sign-in gives another secret, and ends the session that the browser had (fixation)', async () => {
  const kit = await startTwoApps()
  const first = await signIn(kit.url, kit.admin)
  const chosen = `backupd-session=bks_0123456789abcdef_${'A'.repeat(43)}`
  const second = await signIn(kit.url, kit.admin, { cookie: first })
  const third = await signIn(kit.url, kit.admin, { cookie: chosen })
  expect(new Set([first, second, third, chosen]).size).toBe(4)
  const status = async (cookie: string) =>
    (await askGraphQL(kit.url, VIEWER, {}, fromPage(kit, cookie))).status
  expect([await status(first), await status(chosen)]).toEqual([401, 401])
  expect([await status(second), await status(third)]).toEqual([200, 200])
})

test('with the cookie, nothing can be changed but from a page of the controller (CSRF)', async () => {
  const { url, admin, own } = await startTwoApps()
  const cookie = await signIn(url, admin)
  const mutation = `mutation { sleepJob(id: "${own.jobId}") { id } }`
  const foreign: Record<string, string>[] = [
    {},
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ]
  for (const headers of foreign) {
    const answer = await askGraphQL(url, mutation, {}, { cookie, ...headers })
    expect([headers, answer.status, answer.errors?.[0]?.extensions.code]).toEqual([headers, 403, 'FORBIDDEN'])
    const path = `/api/v1/cron/sleep/app/${OWN}/id/${own.jobId}`
    expect((await post(url, path, {}, { cookie, ...headers })).status).toBe(403)
    expect((await post(url, '/logout', {}, { cookie, ...headers })).status).toBe(403)
  }
  const get = await fetch(`${url}/graphql?query=${encodeURIComponent(mutation)}`, {
    headers: { cookie, 'apollo-require-preflight': '1' },
  })
  expect(get.ok).toBe(false)
  const { data } = await askGraphQL(url, '{ jobs { asleep } }', {}, authorize(admin))
  expect(JSON.stringify(data)).not.toContain('true')
  for (const body of ['token=x', '{"token":"x"}']) {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await fetch(`${url}/login`, { method: 'POST', headers: type, body })).status).toBe(415)
  }
})

test('a WebSocket needs the header as well, and ends with its session', async () => {
  const kit = await startTwoApps()
  const { url, admin, ask } = kit
  const cookie = await signIn(url, admin)
  const watch = (headers: Record<string, string>) => {
    const seen = Promise.withResolvers<unknown>()
    const closed = Promise.withResolvers<unknown>()
    const client = socketClient(url, headers)
    client.on('closed', (event) => closed.resolve((event as CloseEvent).code))
    client.subscribe(
      { query: 'subscription { recordUpdated { seq } }' },
      { next: seen.resolve, error: () => {}, complete: () => {} },
    )
    return { seen: seen.promise, closed: closed.promise }
  }
  expect(await watch({ cookie }).closed).toBe(4401)
  const own = watch(fromPage(kit, cookie))
  await own.seen
  const { data } = await ask<{ sessions: { id: string }[] }>(admin, SESSIONS)
  for (const { id } of data?.sessions ?? [])
    await ask(admin, 'mutation ($id: ID!) { endSession(id: $id) { id } }', { id })
  expect(await own.closed).toBe(4401)
})

test('signing out ends the session, and the browser forgets it', async () => {
  const kit = await startTwoApps()
  const cookie = await signIn(kit.url, kit.admin)
  const answer = await post(kit.url, '/logout', {}, fromPage(kit, cookie))
  expect([answer.status, await answer.json()]).toEqual([200, { ended: true }])
  expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=0')
  const after = await post(kit.url, '/graphql', { query: VIEWER }, fromPage(kit, cookie))
  expect([after.status, after.headers.getSetCookie()[0]]).toEqual([401, expect.stringContaining('Max-Age=0')])
  expect((await fetch(`${kit.url}/healthz`, { headers: { cookie } })).status).toBe(200)
})

test('wrong tokens are limited, are never accepted from a URL, and no secret is written anywhere', async () => {
  const kit = await startTwoApps()
  const { url, admin, ask, log } = kit
  const cookie = await signIn(url, admin)
  const secret = cookie.split('=')[1] ?? ''
  const wrong = [`bkd_0123456789abcdef_${'A'.repeat(43)}`, `${admin}x`, 'zzzz qqqq', secret]
  for (const token of wrong) {
    const answer = await post(url, '/login', { token })
    expect([token, answer.status]).toEqual([token, 401])
    expect(await answer.text()).not.toContain(token.slice(4))
  }
  for (const body of [{}, { token: 5 }, { token: '' }, [], null])
    expect((await post(url, '/login', body)).status).toBe(400)
  expect((await post(url, `/login?token=${admin}`, {})).status).toBe(400)
  expect((await fetch(`${url}/login?token=${admin}`)).status).toBe(401)
  expect((await fetch(`${url}/graphql?query={apps{name}}&session=${secret}`)).status).not.toBe(200)
  const statuses = []
  for (let n = 0; n < 31; n++) statuses.push((await post(url, '/login', { token: 'x' })).status)
  expect(statuses.at(-1)).toBe(429)
  await signIn(url, admin)
  const audit = await ask(admin, '{ audit(first: 50) { nodes { who verb facts outcome } } }')
  expect(JSON.stringify(audit)).toContain('beginSession')
  for (const text of [JSON.stringify(audit), JSON.stringify(log)]) {
    expect(text).not.toContain(secret.slice(21))
    expect(text).not.toContain(admin.slice(21))
  }
})

test('a cookie is refused over plain HTTP from elsewhere, and in the name that is for TLS', async () => {
  const kit = await startTwoApps()
  const cookie = await signIn(kit.url, kit.admin)
  const secure = cookie.replace('backupd-session', '__Host-backupd-session')
  const { status, errors } = await askGraphQL(kit.url, VIEWER, {}, fromPage(kit, secure))
  expect([status, errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
})

test('planted cookies of the same name do not hide the one that counts', async () => {
  const kit = await startTwoApps()
  const cookie = await signIn(kit.url, kit.admin)
  const planted = `backupd-session=x; backupd-session=; backupd-session=bks_0123456789abcdef_${'A'.repeat(43)}`
  for (const cookies of [`${planted}; ${cookie}`, `${cookie}; ${planted}`])
    expect((await askGraphQL(kit.url, VIEWER, {}, fromPage(kit, cookies))).status).toBe(200)
  expect((await askGraphQL(kit.url, VIEWER, {}, fromPage(kit, planted))).status).toBe(401)
  const answer = await post(kit.url, '/logout', {}, fromPage(kit, `${planted}; ${cookie}`))
  expect(await answer.json()).toEqual({ ended: true })
})

test('after the answer to a stale cookie, a browser without it has the role of everybody', async () => {
  const { url } = await startTwoApps({ access: { anonymous: 'admin', insecureHttp: false } })
  const stale = { cookie: `backupd-session=bks_0123456789abcdef_${'A'.repeat(43)}`, origin: url }
  const refused = await post(url, '/graphql', { query: VIEWER }, stale)
  expect([refused.status, refused.headers.getSetCookie()[0]]).toEqual([
    401,
    expect.stringContaining('Max-Age=0'),
  ])
  expect((await post(url, '/graphql', { query: VIEWER }, { origin: url })).status).toBe(200)
})
