import { describe, expect, test } from 'vitest'
import { type RawRequest, rawRequest } from '../support/raw-http.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

const QUERY = JSON.stringify({ query: '{ __typename }' })
const JSON_TYPE = { 'content-type': 'application/json' }
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
}

async function start() {
  const folder = await testFolder()
  return startTestController({ folder, allowedHosts: ['Backup.Example'] })
}

const HEADERS: [string, (own: string) => Record<string, string>, boolean][] = [
  ['nothing special', () => ({}), true],
  ['its own origin', (own) => ({ origin: `http://${own}` }), true],
  ['localhost', () => ({ host: 'localhost:9002' }), true],
  ['an IPv6 host', () => ({ host: '[::1]:9002' }), true],
  ['an allowed host', () => ({ host: 'backup.example' }), true],
  ['a user who typed the address', () => ({ 'sec-fetch-site': 'none' }), true],
  ['its own page', () => ({ 'sec-fetch-site': 'same-origin' }), true],
  ['a host that leads here by DNS', () => ({ host: 'evil.example:9002' }), false],
  ['a foreign origin', () => ({ origin: 'https://evil.example' }), false],
  ['another port of this machine', () => ({ origin: 'http://127.0.0.1:8080' }), false],
  ['an origin that hides', () => ({ origin: 'null' }), false],
  ['a cross-site fetch', () => ({ 'sec-fetch-site': 'cross-site' }), false],
  ['a same-site fetch', () => ({ 'sec-fetch-site': 'same-site' }), false],
]

describe('hosts and origins', () => {
  test.for(HEADERS)('%s', async ([, headersFor, allowed]) => {
    const { url } = await start()
    const headers = headersFor(new URL(url).host)
    const requests: RawRequest[] = [
      { method: 'POST', path: '/graphql', headers: { ...JSON_TYPE, ...headers }, body: QUERY },
      { path: '/healthz', headers },
      { path: '/metrics', headers },
      { path: '/graphql', headers: { ...UPGRADE, ...headers } },
    ]
    const answers = await Promise.all(requests.map((each) => rawRequest(url, each)))
    expect(answers.map(({ status }) => status)).toEqual(allowed ? [200, 200, 200, 101] : [403, 403, 403, 403])
    if (!allowed) expect(answers[0]?.body).toContain('FORBIDDEN')
  })
})

test.each([
  ['gzip', 'gzip'],
  ['deflate, gzip;q=0.5', 'gzip'],
  ['gzip;q=0', undefined],
  ['identity', undefined],
])('/metrics for a client that accepts %s has the encoding %s', async (accepted, encoding) => {
  const { url } = await start()
  const answer = await rawRequest(url, { path: '/metrics', headers: { 'accept-encoding': accepted } })
  expect(answer).toMatchObject({ status: 200, headers: { vary: 'accept-encoding' } })
  expect(answer.headers['content-encoding']).toBe(encoding)
})

describe('requests that only a page would send', () => {
  test.for([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'query={__typename}', 415],
    ['plain text', { 'content-type': 'text/plain' }, QUERY, 415],
  ] as const)('a post of %s is refused', async ([, headers, body, status]) => {
    const { url } = await start()
    expect(
      await rawRequest(url, { method: 'POST', path: '/graphql', headers: { ...headers }, body }),
    ).toMatchObject({ status })
  })

  test('a GET with a query needs a header that a page cannot send', async () => {
    const { url } = await start()
    const path = '/graphql?query={__typename}'
    expect(await rawRequest(url, { path })).toMatchObject({
      status: 400,
      body: expect.stringContaining('CSRF'),
    })
    expect(await rawRequest(url, { path, headers: { 'apollo-require-preflight': '1' } })).toMatchObject({
      status: 200,
    })
  })
})

describe('unknown paths', () => {
  test.for([
    ['GET', '/'],
    ['GET', '/api/v2/nope'],
    ['PUT', '/graphql'],
    ['GET', '/api/v2/system/notify'],
    ['GET', '/ide/index.html'],
  ] as const)('%s %s is 404', async ([method, path]) => {
    const { url } = await start()
    expect(await rawRequest(url, { method, path })).toMatchObject({
      status: 404,
      body: '{"msg":"404 not found"}',
    })
  })

  test('a WebSocket elsewhere is 404', async () => {
    const { url } = await start()
    expect(await rawRequest(url, { path: '/healthz', headers: UPGRADE })).toMatchObject({ status: 404 })
  })
})

test('a body of more than a mebibyte is refused', async () => {
  const { url } = await start()
  const body = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(1024 * 1024)}` })
  const answer = await rawRequest(url, { method: 'POST', path: '/graphql', headers: JSON_TYPE, body })
  expect(answer).toMatchObject({ status: 413, body: expect.stringContaining('BAD_INPUT') })
})

test('a body that does not match its content type is refused', async () => {
  const { url } = await start()
  const answer = await rawRequest(url, {
    method: 'POST',
    path: '/graphql',
    headers: JSON_TYPE,
    body: '{"query": ',
  })
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('BAD_INPUT') })
})
