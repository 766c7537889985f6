import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAEMON_ROUTES } from '../../src/daemon/routes.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'

let daemon: StartedDaemon
let host: string

beforeAll(async () => {
  daemon = await startTestDaemon({ allowedHosts: ['Backup.Example'] })
  host = new URL(daemon.url).host
})

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
})

const REFUSED: [string, Record<string, string>][] = [
  ['another origin', { origin: 'http://evil.example' }],
  ['an origin on another port', { origin: 'http://127.0.0.1:1' }],
  ['an origin that hides', { origin: 'null' }],
  ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
  ['a name that was made to lead here', { host: 'rebound.example' }],
  ['an allowed name with more to it', { host: 'backup.example.evil' }],
]

describe.each([...DAEMON_ROUTES, { method: 'GET', path: '/nowhere' }])(
  '$method $path',
  ({ method, path }) => {
    test.each(REFUSED)('refuses %s', async (_who, headers) => {
      const answer = await daemon.ask(method, path.replaceAll(/:\w+|\*/g, 'x'), { headers })
      expect(answer).toMatchObject({
        status: 403,
        code: 'FORBIDDEN',
        body: expect.stringContaining('refused'),
      })
    })
  },
)

test.each([
  ['its own pages', () => ({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })],
  ['a person who types the address', () => ({ 'sec-fetch-site': 'none' })],
  ['localhost', () => ({ host: 'localhost:9002' })],
  ['an IPv6 address', () => ({ host: '[::1]:9002' })],
  ['an allowed name, however it is written', () => ({ host: 'BACKUP.example:9002' })],
])('%s may send requests', async (_who, headers) => {
  expect((await daemon.ask('GET', '/api/v1/debug', { headers: headers() })).status).toBe(200)
})
