import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startTestDaemon } from '../support/daemon-start.ts'
import { given } from '../support/given.ts'
import { startTestController, testFolder, toldInventory } from '../support/real-controller.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'

const SERVERS = Array.from({ length: 3 }, (_, at) => `10.0.0.${at + 1}`)
const NEVER = '0001-01-01T00:00:00Z'
const DEBUG = {
  ...{ crond_status: 'started', running_tasks: 0, startTime: NEVER, updateTime: NEVER, running: [] },
  ...{ protocol: 2, capabilities: [], daemonId: 'd', version: '1', problems: [] },
}

/** A kept-alive connection whose second request never ends: its body is announced, and does not come. */
async function neverEnding(url: string, path: string) {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1.1 (200|503) /)
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`
  // The server reads the head and asks for the body, so that the request has begun for it.
  socket.write(`${head}Expect: 100-continue\r\n\r\n`)
  const [goAhead] = await once(socket, 'data')
  expect(String(goAhead)).toMatch(/^HTTP\/1.1 100 /)
  socket.on('error', () => {})
  const { promise: cut, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  return { cut }
}

test('a controller with a request that never ends can be stopped', async () => {
  const controller = await startTestController({ folder: await testFolder() })
  const { cut } = await neverEnding(controller.url, '/graphql')
  await controller.close()
  await cut
  await expect(fetch(`${controller.url}/healthz`)).rejects.toThrow()
})

test('a daemon with a request that never ends can be stopped', async () => {
  await using daemon = await startTestDaemon()
  const { cut } = await neverEnding(daemon.url, '/api/v1/backup/delete')
  await daemon.close()
  await cut
  await expect(fetch(`${daemon.url}/healthz`)).rejects.toThrow()
})

test('a controller that is stopped while daemons do not answer reports no failed work', async () => {
  const asked = Promise.withResolvers<void>()
  let waiting = 0
  const daemon = await scriptedDaemon(({ path }) => {
    if (path === '/api/v1/debug') return { body: DEBUG }
    if (path === '/api/v1/cron/jobs') return { body: [] }
    if (path !== '/api/v1/backup/json') return {}
    waiting += 1
    if (waiting === SERVERS.length) asked.resolve()
    return undefined
  })
  const controller = await startTestController({
    folder: await testFolder(),
    inventory: toldInventory(
      given
        .app('hello')
        .proc('web')
        .on(...SERVERS)
        .volume('/data/db')
        .inventory(),
    ),
    daemonUrls: Object.fromEntries(SERVERS.map((ip) => [ip, daemon.url])),
  })
  await asked.promise
  await controller.close()
  expect(controller.log.lines.filter((line) => line.startsWith('Cannot'))).toEqual([])
})
