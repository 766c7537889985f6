import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { startTestDaemon } from '../support/daemon-start.ts'
import { listen } from '../support/listen.ts'

test('a daemon tells how long its controller has lacked news, and nothing of other addresses', async () => {
  let accepts = false
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(accepts ? 200 : 503).end('{}'))
  })
  const controller = await listen(server)
  await using daemon = await startTestDaemon()
  const waiting = async () => (await daemon.ask('GET', '/api/v1/debug')).body
  expect(await waiting()).not.toHaveProperty('newsWaitingMs')
  const job = { id: 'j1', spec: '0 6 * * *', action: 'backup_expire', type: 'cron', args: { info: [] } }
  const sender = { version: 'v1', controller: 'c'.repeat(32), controllerUrl: controller }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), ...sender } })
  for (const addr of [`${controller}/api/v2/system/notify`, 'http://127.0.0.1:1/dead'])
    await daemon.ask('PUT', '/api/v1/notify', { form: { addr, protocol: '2' } })
  expect(await waiting()).toMatchObject({ newsWaitingMs: 0 })
  await expect.poll(waiting).toMatchObject({ crond_status: 'started' })
  const { body } = await daemon.ask('POST', '/api/v1/cron/once/j1')
  await daemon.ended((body as { rid: string }).rid)
  await expect.poll(waiting).toMatchObject({ newsWaitingMs: expect.toSatisfy((ms: number) => ms > 0) })
  accepts = true
  await daemon.ask('PUT', '/api/v1/notify', {
    form: { addr: `${controller}/api/v2/system/notify`, protocol: '2' },
  })
  await expect.poll(waiting).toMatchObject({ newsWaitingMs: 0 })
})
