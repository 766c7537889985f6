import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenRequest {
  method: string
  path: string
  query: [string, string][]
  form: [string, string][]
}

export interface ScriptedAnswer {
  status?: number
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

type Script = (request: SeenRequest, response: ServerResponse) => ScriptedAnswer | undefined

/** A real HTTP server that answers as the script says; undefined leaves the response to the script. */
export async function scriptedDaemon(script: Script) {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const read = await readRequest(request)
    seen.push(read)
    const answer = script(read, response)
    if (!answer) return
    const { status = 200, body = 'OK', headers = {} } = answer
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers })
    response.end(typeof body === 'string' && headers['content-type'] ? body : JSON.stringify(body))
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  return { url: `http://127.0.0.1:${port}`, seen, close, server }
}

async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  let body = ''
  for await (const chunk of request) body += chunk
  const url = new URL(request.url ?? '/', 'http://daemon')
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: [...url.searchParams],
    form: [...new URLSearchParams(body)],
  }
}

interface Exchange {
  name: string
  method: string
  path: string
  status: number
  body: unknown
}

/** The legacy system's daemon on 10.77.0.11, with its recorded answers; requests that were not recorded get its 404. */
export async function legacyDaemon() {
  const file = new URL('../fixtures/wire/daemon.json', import.meta.url)
  const exchanges = JSON.parse(await readFile(file, 'utf8')) as Exchange[]
  return scriptedDaemon(({ method, path }) => {
    const found = exchanges.filter((exchange) => exchange.method === method && exchange.path === path)
    return (
      found.find(({ status }) => status < 300) ?? found[0] ?? { status: 404, body: { msg: '404 not found' } }
    )
  })
}
