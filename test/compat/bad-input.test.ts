import { expect, test } from 'vitest'
import { REST_ROUTES } from '../../src/rest-compat/routes.ts'
import { given } from '../support/given.ts'
import { type RawAnswer, type RawRequest, rawRequest } from '../support/raw-http.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_BODY = { 'content-type': 'application/json' }

async function start() {
  const inventory = toldInventory(
    given.app('hello').proc('web').on('127.0.0.1').volume('/data/db').inventory(),
  )
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  return (request: RawRequest) => rawRequest(url, request)
}

const NAMES: Record<string, string> = {
  'a way out': '..%2f..%2fetc%2fpasswd',
  'a NUL': 'a%00b',
  'bytes that are not UTF-8': '%ff%fe',
  'a broken escape': '%zz',
  'a prototype': '__proto__',
  'a very long name': 'x'.repeat(4000),
  'a name beyond all limits': 'x'.repeat(4500),
  'markup and quotes': '%3Cscript%3E%22%27%60',
  'an injection': "hello'%20OR%201=1--",
}

const BODIES: Record<string, Partial<RawRequest>> = {
  'no body': {},
  'a form with each field many times': {
    headers: FORM,
    body: 'files=..%2f..&files=&files=%00&to=1e9&to=x&volume=..&volume=%ff&dir=..%2f..&server=::&inUse=',
  },
  'JSON of other shapes': { headers: JSON_BODY, body: '{"files":{"a":1},"to":[[1]],"volume":null,"dir":7}' },
  'a JSON list': { headers: JSON_BODY, body: '[1]' },
  'JSON null': { headers: JSON_BODY, body: 'null' },
  'no JSON': { headers: JSON_BODY, body: '{"files"' },
  'a JSON prototype': { headers: JSON_BODY, body: '{"__proto__":{"files":["x"]}}' },
  'an empty JSON body': { headers: JSON_BODY, body: '' },
  'another content type': { headers: { 'content-type': 'text/xml' }, body: '<a/>' },
}

const QUERY = 'total=-1&month=99&year=x&volume=%00&args___proto__=1&args_=&state=&open=true&open=false'

function expectAnswer(what: string, { status, headers, body }: RawAnswer): void {
  const told = { what, status, code: headers['x-backupd-error-code'], type: headers['content-type'] }
  expect(told).toEqual({ ...told, type: 'application/json; charset=UTF-8' })
  expect(told).not.toMatchObject({ code: 'INTERNAL' })
  expect([200, 204, 400, 403, 404, 413, 414, 415, 500], what).toContain(status)
  if (status !== 204) expect(() => JSON.parse(body), what).not.toThrow()
  if (status >= 500) expect(told.code, `${what}: ${body}`).toBeDefined()
}

test.for(REST_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s answers hostile names and bodies with a proper error',
  async ([, { method, path }]) => {
    const ask = await start()
    const [pattern = '', flag] = path.split('?')
    const query = flag ?? QUERY
    for (const [what, name] of Object.entries(NAMES)) {
      const url = `${pattern.replaceAll(/:\w+|\*/g, name)}?${query}`
      expectAnswer(
        `${what} in ${path}`,
        await ask({ method, path: url, ...(method === 'GET' ? {} : { headers: FORM }) }),
      )
    }
    const known = pattern.replace(':app', 'hello').replace(':proc', 'web').replace(':ip', '127.0.0.1')
    for (const [what, body] of Object.entries(method === 'GET' ? {} : BODIES)) {
      const url = known.replaceAll(/:\w+|\*/g, 'hello-hello.web.web-1-data-db')
      expectAnswer(`${what} to ${path}`, await ask({ method, path: url, ...body }))
    }
    expect((await ask({ path: '/healthz' })).status).toBe(200)
  },
)

test('an endless body is cut off', async () => {
  const ask = await start()
  const path = '/api/v2/app/hello/proc/web/backups/actions/delete'
  const body = `files=${'x'.repeat(2 * 1024 * 1024)}`
  expect(await ask({ method: 'POST', path, headers: FORM, body })).toMatchObject({ status: 413 })
})

test('foreign pages and unknown host names are refused, allowed names are not', async () => {
  const { url } = await startTestController({
    folder: await testFolder(),
    allowedHosts: ['backupctl.lain.local'],
  })
  const ask = (headers: Record<string, string>) => rawRequest(url, { path: '/api/v1/cron/jobs/all', headers })
  expect(await ask({ host: 'backupctl.lain.local' })).toMatchObject({ status: 200, body: '{}' })
  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of foreign) {
    const { status, body } = await ask(headers)
    expect(status).toBe(403)
    expect(JSON.parse(body)).toContain('refused')
  }
})

test.for([
  ['records?total=x', '"total" is "x", expected a whole number'],
  ['records?month=13', '"month" is 13: write 1 to 12'],
  ['records?year=99999', '"year" is 99999'],
  ['records?state=done', '"done" is not a state: ask for running, success or failed'],
])('%s is 400 and says why', async ([question, words]) => {
  const ask = await start()
  const { status, body } = await ask({ path: `/api/v2/app/hello/cron/${question}` })
  expect(status).toBe(400)
  expect(JSON.parse(body)).toContain(words)
})

const DELETE = '/api/v2/app/hello/proc/web/backups/actions/delete'
const GONE = 'hello-hello.web.web-1-data-db-1795425842.tar.gz'

test.for<[string, RawRequest, number, RegExp]>([
  [
    'an unknown content type',
    { path: DELETE, headers: { 'content-type': 'text/xml' }, body: '<a/>' },
    415,
    /send /,
  ],
  [
    'a body that is too large',
    { path: DELETE, headers: FORM, body: 'x'.repeat(2 ** 21) },
    413,
    /send less at once$/,
  ],
  [
    'an unknown field',
    { path: DELETE, headers: FORM, body: `names=${GONE}` },
    400,
    /^Not deleted: the request names no backup in the field "files" \(it has "names"\): send files=NAME/,
  ],
  ['empty names', { path: DELETE, headers: FORM, body: 'files=&files=' }, 400, /names no backup/],
  ['incomplete JSON', { path: DELETE, headers: JSON_BODY, body: '{"files"' }, 400, /send valid JSON/],
  [
    'an invalid URL',
    { path: '/api/v2/app/%ff%fe/cron/jobs/x/actions/run' },
    400,
    /percent-encode names as UTF-8/,
  ],
  [
    'a name that is too long',
    { path: `/api/v2/app/${'x'.repeat(4500)}/cron/jobs/x/actions/run` },
    414,
    /from a list$/,
  ],
  ['invalid news', { path: '/api/v2/system/notify' }, 400, /not a JSON object\. Send one record/],
  [
    'a copy to an invalid directory',
    { path: '/api/v2/system/backup', headers: FORM, body: 'dir=a%00b' },
    400,
    /Name another/,
  ],
  [
    'a backup of another app',
    { path: DELETE, headers: FORM, body: 'files=other-1.tar.gz' },
    400,
    /^No permission to delete other-1\.tar\.gz: .* belong .*nothing was deleted: take names from its list of backups\. (?!.*--)/,
  ],
  [
    'a deleted backup',
    { path: DELETE, headers: FORM, body: `files=${GONE}` },
    400,
    /^Not deleted: There is no/,
  ],
  [
    'a missing job',
    { path: '/api/v2/app/hello/cron/jobs/x/actions/run' },
    400,
    /see the list of jobs\. Check the name or id .*; a record or a backup may have expired/,
  ],
])('the refusal of %s says what to do', async ([, request, status, words]) => {
  const ask = await start()
  const answer = await ask({ method: 'POST', ...request })
  expect(answer).toMatchObject({ status, headers: { 'x-backupd-error-code': expect.any(String) } })
  expect(JSON.parse(answer.body)).toMatch(words)
})
