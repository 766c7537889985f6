import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { redactUrl } from '../../src/lib/redact-url.ts'
import { type StartedDaemon, startTestDaemon } from '../support/daemon-start.ts'

const ADDR = 'http://news:hunter2@127.0.0.1:1/api/v2/system/notify'
const SHOWN = 'http://news:***@127.0.0.1:1/api/v2/system/notify'

test('a password in a notify address is neither shown nor logged, and the shown address removes it', async () => {
  await using daemon = await startTestDaemon()
  const addresses = async () => (await daemon.ask('GET', '/api/v1/notify')).body
  await daemon.ask('PUT', '/api/v1/notify', { form: { addr: ADDR, protocol: '2' } })
  await runTestJob(daemon)
  await waitUntil(() => daemon.log.lines.some(({ message }) => message.startsWith('Cannot send news to')))
  expect(await addresses()).toEqual({ addr: [SHOWN] })
  expect(JSON.stringify(daemon.log.lines)).not.toContain('hunter2')
  await daemon.ask('POST', '/api/v1/notify/actions/remove', { form: { addr: SHOWN } })
  expect(await addresses()).toEqual({ addr: [] })
})

test('a refused notify address is quoted without its password', async () => {
  await using daemon = await startTestDaemon()
  const addr = 'ftp://news:hunter2@127.0.0.1/'
  const refused = await daemon.ask('PUT', '/api/v1/notify', { form: { addr } })
  expect(refused).toMatchObject({ status: 400, code: 'BAD_INPUT' })
  expect(JSON.stringify(refused)).not.toContain('hunter2')
})

test('a password in a notify address reaches the address, as basic authentication', async () => {
  const { promise: authorization, resolve } = Promise.withResolvers<string | undefined>()
  await using server = createServer((request, response) => {
    resolve(request.headers.authorization)
    response.end('"OK"')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using daemon = await startTestDaemon()
  const addr = `http://news:hunter%202@127.0.0.1:${(server.address() as AddressInfo).port}/`
  await daemon.ask('PUT', '/api/v1/notify', { form: { addr, protocol: '2' } })
  await runTestJob(daemon)
  expect(await authorization).toBe(`Basic ${btoa('news:hunter 2')}`)
})

/** Leaves a record, and so something to tell. */
async function runTestJob(daemon: StartedDaemon): Promise<void> {
  const data = JSON.stringify([{ id: 'nap', spec: '0 6 * * *', action: 'test', args: {} }])
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: 'v1' } })
  let started = await daemon.ask('POST', '/api/v1/cron/once/nap')
  // On a busy machine it answers that it is still starting.
  while (started.status === 503) started = await daemon.ask('POST', '/api/v1/cron/once/nap')
  await daemon.ended((started.body as { rid: string }).rid)
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await eventLoopTurn()
}

test.each([
  ['http://10.0.0.1:9002/x', 'http://10.0.0.1:9002/x'],
  ['http://a:b@10.0.0.1:9002/x?y=1', 'http://a:***@10.0.0.1:9002/x?y=1'],
  ['https://token@10.0.0.1/', 'https://***@10.0.0.1/'],
  ['no url', 'no url'],
])('%s is shown as %s', (given, shown) => {
  expect(redactUrl(given)).toBe(shown)
})
