import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  createLoginCode,
  LOGIN_CODE_FILE,
  LOGIN_LINK_LIFE_MS,
  printLoginLink,
  spendLoginCode,
} from '../../src/controller/login-link.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { askGraphQL } from '../support/real-controller.ts'
import { startTwoApps } from '../support/two-apps.ts'

function post(url: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function start() {
  const kit = await startTwoApps()
  const dataDir = join(kit.folder, 'controller')
  return { ...kit, dataDir, code: await createLoginCode(dataDir, systemClock.now()) }
}

test('a link gives the session of an admin, once', async () => {
  const { url, code, dataDir } = await start()
  expect(await readFile(join(dataDir, LOGIN_CODE_FILE), 'utf8')).not.toContain(code)
  const answers = await Promise.all([1, 2, 3].map(() => post(`${url}/login`, { code })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
  const cookie =
    answers
      .find(({ ok }) => ok)
      ?.headers.getSetCookie()[0]
      ?.split(';')[0] ?? ''
  const { data } = await askGraphQL(url, '{ viewer { kind name roles } }', {}, { cookie, origin: url })
  expect(data?.viewer).toEqual({ kind: 'SESSION', name: 'login link', roles: ['ADMIN'] })
  expect((await post(`${url}/login`, { code })).status).toBe(401)
})

test('a code counts in the body of a POST alone', async () => {
  const { url, code } = await start()
  for (const path of [`/login?code=${code}`, `/graphql?code=${code}`, `/?code=${code}`]) {
    const answer = await fetch(url + path, { headers: { accept: 'text/html' } })
    expect(answer.headers.getSetCookie()).toEqual([])
  }
  expect((await post(`${url}/login?code=${code}`, {})).status).toBe(400)
  expect((await post(`${url}/login`, { code: [code] })).status).toBe(400)
  expect((await post(`${url}/login`, { token: code })).status).toBe(401)
  expect(new URL(printLoginLink(url, code))).toMatchObject({ search: '', hash: `#code=${code}` })
  expect((await post(`${url}/login`, { code })).status).toBe(200)
})

test('a wrong code does not use up the right one, and is limited as wrong tokens are', async () => {
  const { url, code, log } = await start()
  const wrong = `${code.slice(0, -2)}${code.endsWith('AA') ? 'BB' : 'AA'}`
  for (const each of [wrong, '', 'x'.repeat(4000)])
    expect((await post(`${url}/login`, { code: each })).status).not.toBe(200)
  let last: Response | undefined
  for (let n = 0; n < 31; n++) last = await post(`${url}/login`, { code: wrong })
  expect(last?.status).toBe(429)
  expect((await post(`${url}/login`, { code })).status).toBe(200)
  expect(JSON.stringify(log)).not.toContain(code)
})

test('a code ends after ten minutes, with the next one, and if its file is not readable', async () => {
  const { dataDir, code } = await start()
  const now = systemClock.now()
  expect(await spendLoginCode(dataDir, code, now + LOGIN_LINK_LIFE_MS + 1000)).toBe(false)
  expect(await spendLoginCode(dataDir, code, now - LOGIN_LINK_LIFE_MS)).toBe(false)
  const next = await createLoginCode(dataDir, now)
  expect(await spendLoginCode(dataDir, code, now)).toBe(false)
  await writeFile(join(dataDir, LOGIN_CODE_FILE), '{"hash":5}')
  expect(await spendLoginCode(dataDir, next, now)).toBe(false)
})

test('links that the user of the controller planted are not followed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'login-link-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const victim = join(dataDir, 'victim')
  await writeFile(victim, 'precious', { mode: 0o644 })
  await writeFile(join(dataDir, 'catalog.db'), '')
  const file = join(dataDir, LOGIN_CODE_FILE)
  for (const name of [file, `${file}.tmp-${process.pid}`]) await symlink(victim, name)
  const before = await lstat(victim)
  const code = await createLoginCode(dataDir, systemClock.now())
  expect(await readFile(victim, 'utf8')).toBe('precious')
  const { uid, gid, mode } = await lstat(victim)
  expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode })
  const made = await lstat(file)
  expect([made.isFile(), made.mode & 0o777]).toEqual([true, 0o600])
  expect((await readdir(dataDir)).filter((name) => name.includes('.tmp-'))).toHaveLength(1)
  expect(await spendLoginCode(dataDir, code, systemClock.now())).toBe(true)
})
