import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createContainerPlace } from '../../src/hooks/containers/container-place.ts'
import { Demultiplexer } from '../../src/hooks/containers/demultiplexer.ts'
import type { HookCall } from '../../src/hooks/hook-place.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { tempDir } from '../support/temp-dir.ts'

const RUNNING = { State: { Running: true } }
const EXEC = 'a'.repeat(64)

/** A place whose engine answers so. */
async function placeOf(answer: RequestListener) {
  const socket = join(tempDir(), 'engine.sock')
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(socket, listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return createContainerPlace('c1', socket, { clock: systemClock, alive: () => {} })
}

const call = (limitMs: number): HookCall => ({
  hook: { word: 'pre_run', command: ['x'], limitSeconds: 1, policy: 'fail' },
  id: 'id',
  env: {},
  limitMs,
})

test.each<[string, RequestListener, RegExp]>([
  [
    'an endless answer',
    (_, to) => void setInterval(() => to.write('x'.repeat(100_000)), 1).unref(),
    /longer than/,
  ],
  ['no JSON', (_, to) => to.end('<html>'), /is not JSON/],
  ['another shape', (_, to) => to.end('{"State":{"Running":"yes"}}'), /not valid at State.Running/],
  ['a broken connection', (request) => request.destroy(), /cannot be used/],
  [
    'a refusal with control characters',
    (_, to) => to.writeHead(500).end('\u001b[2Jno'),
    /answered 500: \\x1b\[2Jno$/,
  ],
])('%s of the engine is a clear error', async (_what, answer, why) => {
  const place = await placeOf(answer)
  await expect(place.check([])).rejects.toThrow(why)
})

test('a container that podman removes at this moment is gone, and blocks nothing', async () => {
  const removing = { cause: 'no such container', message: 'it does not exist in database', response: 500 }
  const place = await placeOf((_, to) => to.writeHead(500).end(JSON.stringify(removing)))
  await expect(place.run(call(1000), async () => {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const labelled = { ...RUNNING, Config: { Labels: { cause: 'no such container' } } }
  const other = await placeOf((_, to) => to.end(JSON.stringify(labelled)))
  expect(await other.check([])).toBeUndefined()
})

test('an engine that names the process 1 as a hook, and never ends it, kills nobody and does not hang', async () => {
  const asked: string[] = []
  const isFirst = (path: string) => asked.indexOf(path) === asked.length - 1
  const place = await placeOf((request, to) => {
    const path = `${request.method} ${request.url}`
    asked.push(path)
    if (path === 'GET /containers/c1/json') to.end(JSON.stringify(RUNNING))
    else if (path === 'POST /containers/c1/exec') to.writeHead(201).end(JSON.stringify({ Id: EXEC }))
    else if (path === `POST /exec/${EXEC}/start` && isFirst(path)) to.flushHeaders()
    else if (path === `POST /exec/${EXEC}/start`) to.end()
    else to.end(JSON.stringify({ Running: asked.length < 9, Pid: 1, ExitCode: 0 }))
  })
  const end = await place.run(call(100), async () => {})
  expect(end).toMatchObject({ how: 'timed-out', exitCode: null })
}, 60_000)

test('an id that is not one does not become part of a path', async () => {
  const place = await placeOf((request, to) => {
    if (request.method === 'GET') to.end(JSON.stringify(RUNNING))
    else to.writeHead(201).end(JSON.stringify({ Id: '../containers/c1/kill' }))
  })
  await expect(place.run(call(100), async () => {})).rejects.toThrow(/not valid at Id/)
})

test('a frame of 4 GiB holds no memory, and a stream that is none ends the reading', () => {
  const frames = new Demultiplexer()
  expect(frames.add(Buffer.from([1, 0, 0, 0, 255, 255]))).toBe(true)
  expect(frames.add(Buffer.concat([Buffer.from([255, 255]), Buffer.from('abc')]))).toBe(true)
  expect(frames.stdout.text).toBe('abc')
  expect(new Demultiplexer().add(Buffer.from('HTTP/1.1 400'))).toBe(false)
})
