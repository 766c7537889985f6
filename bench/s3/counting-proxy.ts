import { once } from 'node:events'
import { createServer, request as forward, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

export interface CountingProxy {
  endpoint: string
  /** How many requests of each kind there were since the last call; lists of objects apart. */
  takeCounts(): Record<string, number>
  close(): void
}

/** Counts what passes between a client and an S3 server; over TLS if it gets a certificate. */
export async function startCountingProxy(
  target: string,
  identity?: { key: string; cert: string },
): Promise<CountingProxy> {
  let counts: Record<string, number> = {}
  const { hostname: host, port } = new URL(target)
  const onRequest: RequestListener = (request, response) => {
    const { method = '', url: path = '', headers } = request
    const kind = method === 'GET' && /[?&](list-type|prefix)=/.test(path) ? 'LIST' : method
    counts[kind] = (counts[kind] ?? 0) + 1
    // Expect was answered here.
    const { expect: _, ...passed } = headers
    const onward = forward({ host, port, method, path, headers: passed }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      if (method === 'HEAD') response.end()
      else pipeline(answer, response, () => {})
    })
    // Swift sends a body after some answers to HEAD, which is an error once they have arrived.
    onward.on('error', () => response.headersSent || request.socket.destroy())
    pipeline(request, onward, () => {})
  }
  const server = identity ? createTlsServer(identity, onRequest) : createServer(onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `${identity ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeCounts() {
      const taken = counts
      counts = {}
      return taken
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
