import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { parseAddressRules } from '../../src/controller/address-rules.ts'
import { MAX_WRONG_SIGN_INS, SignInLimit } from '../../src/controller/sign-in-limit.ts'
import { readNetwork } from '../../src/lib/address-network.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { rawRequest } from '../support/raw-http.ts'
import { authorize, startTwoApps } from '../support/two-apps.ts'

const WRONG = authorize(`bkd_${'0'.repeat(16)}_${'A'.repeat(43)}`)

interface Attempt {
  from: string
  headers?: Record<string, string>
  path?: string
}

function attempt(url: string, { from, headers = {}, path = '/metrics' }: Attempt) {
  return rawRequest(url, { path, from, headers: { ...WRONG, ...headers } })
}

async function exhaust(url: string, asked: Attempt): Promise<void> {
  for (let n = 0; n < MAX_WRONG_SIGN_INS; n++) expect((await attempt(url, asked)).status).toBe(401)
}

test('wrong tokens that come too often are refused with 429, on every route and socket', async () => {
  const { url, admin, log } = await startTwoApps()
  const from = '127.0.0.3'
  await exhaust(url, { from })
  for (const path of ['/metrics', '/healthz', '/api/v2/app/shop/cron/jobs', '/graphql?query={apps{name}}']) {
    const headers = { 'apollo-require-preflight': '1' }
    const refused = await attempt(url, { from, path, headers })
    expect([path, refused.status]).toEqual([path, 429])
    expect(refused.headers['x-backupd-error-code']).toBe('TOO_MANY_SIGN_INS')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.body).toContain('a valid one is accepted now, too')
  }
  expect(await closeReason(url, from)).toContain('Too many tokens')
  expect(log.lines.filter((line) => JSON.stringify(line).includes('sends many tokens'))).toHaveLength(1)
  // Others of the same address, and other addresses.
  expect((await rawRequest(url, { path: '/metrics', from, headers: authorize(admin) })).status).toBe(200)
  expect((await rawRequest(url, { path: '/metrics', from })).status).toBe(401)
  expect((await attempt(url, { from: '127.0.0.4' })).status).toBe(401)
})

async function closeReason(url: string, from: string): Promise<string> {
  const address = `${url.replace('http', 'ws')}/graphql`
  const socket = new WebSocket(address, 'graphql-transport-ws', { localAddress: from })
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: WRONG }))
  const [code, reason] = await once(socket, 'close')
  expect(code).toBe(4401)
  return String(reason)
}

test('behind a trusted proxy, each caller is counted, and a forged address is not', async () => {
  const rules = parseAddressRules({ anonymousFrom: [], trustedProxy: ['127.0.0.2'] })
  const { url } = await startTwoApps({ access: { anonymous: 'none', insecureHttp: true, ...rules } })
  const through = (address: string) => ({ from: '127.0.0.2', headers: { 'x-forwarded-for': address } })
  await exhaust(url, through('203.0.113.7'))
  expect((await attempt(url, through('203.0.113.7'))).status).toBe(429)
  expect((await attempt(url, through('203.0.113.7, 203.0.113.8'))).status).toBe(401)
  for (let n = 0; n < MAX_WRONG_SIGN_INS; n++)
    await attempt(url, { from: '127.0.0.3', headers: { 'x-forwarded-for': `203.0.113.${n}` } })
  expect((await attempt(url, { ...through('1.1.1.1'), from: '127.0.0.3' })).status).toBe(429)
})

test('all addresses of a /64 of IPv6 count as one', async () => {
  const limit = new SignInLimit({ log: keepingLog(), clock: systemClock })
  for (let n = 0; n < MAX_WRONG_SIGN_INS; n++)
    expect(await limit.count(`2001:db8:0:1::${n.toString(16)}`)).toBeUndefined()
  expect((await limit.count('2001:db8:0:1:ffff::1'))?.code).toBe('TOO_MANY_SIGN_INS')
})

test.each([
  ['10.0.0.7', '10.0.0.7'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['1:2:3:4:5:6:7::', '1:2:3:4'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('the network of %s is %s', (address, network) => {
  expect(readNetwork(address)).toBe(network)
})

test('any number of addresses takes a bounded number of counts', async () => {
  const limit = new SignInLimit({ log: keepingLog(), clock: systemClock })
  const refused = new Set<number>()
  // Each count is exhausted at last, which could not be if each address had its own.
  for (let n = 0; n < 200_000; n++)
    if (await limit.count(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)) refused.add(n)
  expect(refused.size).toBeGreaterThan(200_000 - 4096 * MAX_WRONG_SIGN_INS - 1)
})
