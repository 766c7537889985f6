import { expect, test } from 'vitest'
import { DAEMON_ROUTES } from '../../src/daemon/routes.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { freePort } from '../support/free-port.ts'
import { rawRequest } from '../support/raw-http.ts'

test('the address for metrics serves them, and none of what a daemon can do', async () => {
  const port = await freePort()
  await using _daemon = await startTestDaemon({ metricsAddress: { host: '127.0.0.1', port } })
  const url = `http://127.0.0.1:${port}`
  const page = await rawRequest(url, { path: '/metrics' })
  expect([page.status, page.body]).toEqual([200, expect.stringContaining('backupd_daemon_ready')])
  const others = DAEMON_ROUTES.filter(({ path }) => path !== '/metrics')
  expect(others.length).toBeGreaterThan(10)
  for (const { method, path } of others)
    expect([method, path, (await rawRequest(url, { method, path })).status]).toEqual([method, path, 404])
  expect((await rawRequest(url, { path: '/metrics', headers: { host: 'evil.example' } })).status).toBe(403)
})
