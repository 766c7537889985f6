import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { guardToken } from '../../src/cli/guard-token.ts'
import { runQuietly } from '../support/run-quietly.ts'

const own = Object.values(networkInterfaces())
  .flat()
  .flatMap((each) => (each ? [each.family === 'IPv6' ? `[${each.address}]` : each.address] : []))

test.each([
  ...[
    'http://127.0.0.1:9002',
    'http://[::1]:9002',
    'http://localhost:9002',
    'http://[::ffff:127.0.0.1]:9002',
  ],
  ...['https://203.0.113.7', 'https://backup.example.invalid'],
  ...own.map((address) => `http://${address}:9002`),
])('a token may be sent to %s', async (url) => {
  await expect(guardToken(url)).resolves.toBeUndefined()
})

test.each(['http://203.0.113.7:9002', 'http://[2001:db8::7]:9002', 'http://[::ffff:203.0.113.7]'])(
  'a token is not sent to %s',
  async (url) => {
    await expect(guardToken(url)).rejects.toMatchObject({
      code: 'TLS_REQUIRED',
      message: expect.stringMatching(/^The token was not sent to .*--insecure-http$/),
    })
  },
)

test('a host that is not known is named, with the flag', async () => {
  await expect(guardToken('http://backup.example.invalid:9002')).rejects.toMatchObject({
    code: 'CONTROLLER_UNREACHABLE',
    message: expect.stringContaining('--url'),
  })
})

test('no connection is made before the refusal, and --insecure-http makes one', async () => {
  vi.stubEnv('BACKUPD_TOKEN', 'secret')
  onTestFinished(() => void vi.unstubAllEnvs())
  const seen: (string | undefined)[] = []
  const server = createServer(({ headers }, answer) => {
    seen.push(headers.authorization)
    answer.end('{"data":{"tokens":[]}}')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  // 0.0.0.0 leads to this machine, but is not one of its addresses.
  const url = `http://0.0.0.0:${port}`
  const refused = await runQuietly('token', 'list', '--url', url)
  expect([refused.code, refused.err, seen]).toEqual([1, expect.stringContaining('was not sent'), []])
  const sent = await runQuietly('token', 'list', '--url', url, '--insecure-http')
  expect([sent.code, seen]).toEqual([0, ['Bearer secret']])
})

test('the hint for a controller that does not answer names --url', async () => {
  const { code, err } = await runQuietly('token', 'list', '--url', 'http://127.0.0.1:1')
  expect([code, err]).toEqual([1, expect.stringContaining('or name another address with --url')])
})
