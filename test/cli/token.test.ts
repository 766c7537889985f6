import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestController } from '../support/real-controller.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { authorize, startTwoApps } from '../support/two-apps.ts'

async function start() {
  const kit = await startTwoApps()
  const file = join(kit.folder, 'my-token')
  await writeFile(file, `${kit.admin}\n`)
  const token = (...argv: string[]) => runQuietly('token', ...argv, '--url', kit.url, '--token-file', file)
  return { ...kit, token }
}

test('a token is created, listed and revoked from the command line', async () => {
  const { url, token } = await start()
  const created = await token(
    'create',
    '--name',
    'ci',
    '--role',
    'viewer',
    '--role',
    'operator',
    '--app',
    'shop',
  )
  expect([created.code, created.out]).toEqual([0, expect.stringMatching(/^bkd_\w{16}_[\w-]{43}\n$/)])
  expect(created.err).toContain('viewer of shop, operator of shop')
  const headers = authorize(created.out.trim())
  const read = async () => (await fetch(`${url}/api/v2/app/shop/cron/jobs`, { headers })).status
  expect(await read()).toBe(200)
  const [, id = ''] = created.out.split('_')
  const listed = await token('list')
  expect(listed.out).toMatch(
    new RegExp(`first admin +admin[\\s\\S]*${id} +ci +viewer of shop, operator of shop`),
  )
  expect(JSON.parse((await token('list', '--json')).out)).toMatchObject([{ name: 'first admin' }, { id }])
  expect(await token('revoke', id)).toMatchObject({ code: 0, out: `The token "ci" (${id}) has ended.\n` })
  expect(await read()).toBe(401)
})

test.each([
  [['create', '--name', 'x', '--role', 'boss'], '--role is "boss", expected one of viewer'],
  [
    ['create', '--name', 'x', '--role', 'viewer', '--expires', 'soon'],
    '--expires is "soon", expected a time',
  ],
  [['revoke', 'x'], 'There is no token "x"'],
])('%j is refused with what is wrong', async (argv, message) => {
  const { token } = await start()
  expect(await token(...argv)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(message) })
})

test('without a token, or with an unreadable file of it, one line says so', async () => {
  const { url, folder } = await start()
  const anonymous = await runQuietly('token', 'list', '--url', url)
  expect(anonymous).toMatchObject({ code: 1, err: expect.stringContaining('Sign in') })
  const missing = await runQuietly('token', 'list', '--url', url, '--token-file', join(folder, 'none'))
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('--token-file cannot be read') })
})

test('who asked without a token is listed, and access is enforced', async () => {
  const { url, token, folder } = await start()
  const access = (command: string) =>
    runQuietly('access', command, '--url', url, '--token-file', join(folder, 'my-token'))
  expect((await access('check')).out).toBe('Nobody has asked without a token since the controller started.\n')
  expect(await access('enforce')).toMatchObject({
    code: 0,
    out: expect.stringContaining('may do nothing now'),
  })
  const { out } = await token('create', '--name', 'v', '--role', 'viewer')
  await writeFile(join(folder, 'my-token'), out)
  expect(await access('enforce')).toMatchObject({
    code: 1,
    err: expect.stringContaining('Only admin of everything'),
  })
})

test('if the administrator is lost, the stopped controller gets a new token at its next start', async () => {
  const { admin, close, createToken, folder } = await start()
  const { text: viewer } = await createToken('viewer')
  const data = join(folder, 'controller')
  expect(await runQuietly('access', 'reset', '--data', data)).toMatchObject({ code: 1 })
  await close()
  expect(await runQuietly('access', 'reset', '--data', folder)).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no catalog in'),
  })
  const { out } = await runQuietly('access', 'reset', '--data', data)
  expect(out).toContain('Ended: first admin. Start the controller')
  const access = { anonymous: undefined, insecureHttp: false }
  const { url } = await startTestController({ folder, access })
  const read = async (token: string) => (await fetch(`${url}/metrics`, { headers: authorize(token) })).status
  const fresh = (await readFile(join(data, 'admin-token'), 'utf8')).trim()
  expect([await read(admin), await read(viewer), await read(fresh)]).toEqual([401, 200, 200])
})
