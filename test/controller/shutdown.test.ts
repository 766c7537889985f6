import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startTestDaemon } from '../support/daemon-start.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

/** A kept-alive connection whose second request never ends: its body is announced, and does not come. */
async function neverEnding(url: string, path: string) {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 /)
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
