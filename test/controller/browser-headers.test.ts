import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAddressRules } from '../../src/controller/address-rules.ts'
import { rawRequest } from '../support/raw-http.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

const HTML = { accept: 'text/html' }
const PROXY = '127.0.0.2'
const SECURE = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' }

async function start(insecureHttp = false) {
  const folder = await testFolder()
  const webDir = join(folder, 'web')
  await mkdir(webDir)
  await writeFile(join(webDir, 'index.html'), '<p>the IDE</p>')
  const rules = parseAddressRules({ anonymousFrom: [], trustedProxy: [PROXY] })
  return startTestController({ folder, webDir, access: { anonymous: 'none', insecureHttp, ...rules } })
}

test('pages load nothing from elsewhere, and are not shown inside others', async () => {
  const { url } = await start()
  for (const path of ['/', '/graphql', '/ide/index.html']) {
    const { status, headers } = await rawRequest(url, { path, headers: HTML })
    expect([path, status]).toEqual([path, 200])
    const policy = String(headers['content-security-policy']).split('; ')
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]),
    )
    expect(policy.filter((directive) => /^script-src(?! 'self'$)/.test(directive))).toEqual([])
    expect(policy.join()).not.toMatch(/https?:|\*|unsafe-eval/)
    expect(headers).toMatchObject({
      ...{ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
    })
  }
})

test('no answer is guessed to be of another type', async () => {
  const { url } = await start()
  for (const path of [
    '/healthz',
    '/metrics',
    '/graphql?query={apps{name}}',
    '/nowhere',
    '/api/v2/app/x/cron/jobs',
  ])
    expect((await rawRequest(url, { path })).headers['x-content-type-options']).toBe('nosniff')
})

test('browsers that came through TLS stay with it, and others are not told to', async () => {
  const { url } = await start()
  const read = async (from: string, headers: Record<string, string>, at = url) =>
    (await rawRequest(at, { path: '/', from, headers: { ...HTML, ...headers } })).headers[
      'strict-transport-security'
    ]
  expect(await read(PROXY, SECURE)).toBe('max-age=15552000')
  expect(await read(PROXY, { ...SECURE, 'x-forwarded-proto': 'http' })).toBeUndefined()
  expect(await read('127.0.0.3', SECURE)).toBeUndefined()
  expect(await read('127.0.0.1', {})).toBeUndefined()
  expect(await read(PROXY, SECURE, (await start(true)).url)).toBeUndefined()
})
