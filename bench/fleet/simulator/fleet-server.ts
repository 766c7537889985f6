import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_CODE_HEADER } from '../../../src/wire/error-code-header.ts'
import { type Asked, answer } from './routes.ts'
import type { SimulatedDaemon } from './simulated-daemon.ts'
import type { Tally } from './tally.ts'

/** Addresses of daemons that do not answer as they should. */
export interface Faults {
  /** They close each connection. */
  dead: string[]
  /** They accept a request and never answer. */
  hanging: string[]
  /** They answer after SLOW_MS. */
  slow: string[]
}

const SLOW_MS = 5000

export interface FleetServerOptions {
  port: number
  /** The daemon at an address. */
  find(ip: string): SimulatedDaemon | undefined
  tally: Tally
  faults: Faults
  /** Called with each request and the name of its route. */
  onAsked(daemon: SimulatedDaemon, route: string): void
}

/** Serves all daemons on one port of every loopback address; the address tells which of them is meant. */
export async function serveFleet(options: FleetServerOptions): Promise<Server> {
  const server = createServer((request, response) => void reply(request, response, options))
  server.keepAliveTimeout = 72_000
  await new Promise<void>((listening) => server.listen(options.port, '0.0.0.0', listening))
  return server
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  { find, tally, faults, onAsked }: FleetServerOptions,
): Promise<void> {
  const daemon = find(request.socket.localAddress ?? '')
  if (!daemon || faults.dead.includes(daemon.ip)) return void request.socket.destroy()
  const asked = await readRequest(request)
  if (faults.hanging.includes(daemon.ip)) return
  if (faults.slow.includes(daemon.ip)) await sleep(SLOW_MS)
  const { route, status, code, body } = answer(daemon, asked)
  const text = body === undefined ? '' : JSON.stringify(body)
  onAsked(daemon, route)
  tally.noteRequest(route, text.length)
  if ((asked.fields.get('namespace') ?? daemon.ip) !== daemon.ip) tally.foreignQuestions += 1
  response.writeHead(status, {
    ...(code && { [ERROR_CODE_HEADER]: code }),
    'content-type': 'application/json; charset=UTF-8',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://daemon')
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  return {
    method: request.method ?? '',
    path: pathname,
    fields: new URLSearchParams([...searchParams, ...form]),
  }
}
