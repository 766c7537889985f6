import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onEnd } from './lifetime.ts'

export interface ReceivedPost {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A real receiver of webhooks on loopback, which notes each post that it answered with 200. */
export async function startWebhookReceiver() {
  const posts: ReceivedPost[] = []
  const receiver = { status: 200, tried: 0 }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    receiver.tried += 1
    if (receiver.status === 200) posts.push({ path: request.url ?? '', headers: request.headers, body })
    response.writeHead(receiver.status, { location: 'http://127.0.0.1:1/' }).end('x'.repeat(100_000))
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onEnd(async () => {
    if (server.listening) await stop()
  })
  return Object.assign(receiver, {
    posts,
    port,
    url: `http://127.0.0.1:${port}/hook`,
    stop,
    restart: () => listen(port),
  })
}
