import { expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { rawRequest } from '../support/raw-http.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'
import { OWN, startTwoApps } from '../support/two-apps.ts'

async function start() {
  const port = await freePort()
  const started = await startTwoApps({ metricsAddress: { host: '127.0.0.1', port } })
  return { ...started, metricsUrl: `http://127.0.0.1:${port}` }
}

test('metrics are served without a token on an address of their own', async () => {
  const { url, metricsUrl, log } = await start()
  const page = await rawRequest(metricsUrl, { path: '/metrics', headers: { via: '1.1 proxy' } })
  expect([page.status, page.body]).toEqual([200, expect.stringContaining(`app="${OWN}"`)])
  expect(page.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const zipped = await fetch(`${metricsUrl}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
  expect([zipped.headers.get('content-encoding'), await zipped.text()]).toEqual([
    'gzip',
    expect.stringContaining('backupd_volumes'),
  ])
  expect((await fetch(`${url}/metrics`)).status).toBe(401)
  expect(JSON.stringify(log.lines)).toContain(`Whoever reaches ${metricsUrl} reads /metrics`)
})

test('nothing else is served there, not even with a token', async () => {
  const { metricsUrl, admin } = await start()
  const headers = {
    authorization: `Bearer ${admin}`,
    accept: 'text/html',
    'content-type': 'application/json',
  }
  for (const path of ['/', '/graphql', '/ide/', '/healthz', '/api/v2/app/shop/cron/jobs', '/metrics/x'])
    expect([path, (await rawRequest(metricsUrl, { path, headers })).status]).toEqual([path, 404])
  const news = { method: 'POST', path: '/api/v2/system/notify', headers, body: '{}' }
  expect((await rawRequest(metricsUrl, news)).status).toBe(404)
  expect(
    (await rawRequest(metricsUrl, { method: 'POST', path: '/metrics', headers, body: '{}' })).status,
  ).toBe(404)
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x', ...headers }
  expect((await rawRequest(metricsUrl, { path: '/graphql', headers: upgrade })).status).toBe(404)
})

test('pages of other sites cannot read them there either', async () => {
  const { metricsUrl } = await start()
  for (const headers of [{ origin: 'http://evil.example' }, { host: 'evil.example' }] as Record<
    string,
    string
  >[])
    expect((await rawRequest(metricsUrl, { path: '/metrics', headers })).status).toBe(403)
})

test('an address that is taken ends the start, with the port', async () => {
  const first = await start()
  const port = Number(new URL(first.url).port)
  const second = startTestController({
    folder: await testFolder(),
    metricsAddress: { host: '127.0.0.1', port },
  })
  await expect(second).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  })
})
