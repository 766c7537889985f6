import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { News } from '../../src/wire/daemon-api.ts'
import type { LegacyRecord } from '../../src/wire/record.ts'

/** A received message: a News of protocol 2 or a record of the legacy system's. */
export type Post = News & LegacyRecord

/** A real HTTP server where a daemon's news arrives. */
export interface NewsReceiver extends AsyncDisposable {
  url: string
  port: number
  /** Every post that was answered 2xx, in order. */
  taken: Post[]
  /** Every post, whatever was answered. */
  seen: Post[]
  /** How many posts the sender gave up before they were answered. */
  givenUp: number
  contentTypes: Set<string>
  /** The status of the next answers; a promise holds the answer back. */
  answer: (post: Post) => number | Promise<number>
  /** Headers of every answer. */
  headers: Record<string, string>
  /** Resolves when the condition holds; checked at every post and answer. */
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

/** @param port a port of an earlier receiver, to come back on; any free one otherwise */
export async function startReceiver(port = 0): Promise<NewsReceiver> {
  const waiting = new Set<() => void>()
  const check = () => {
    for (const look of waiting) look()
  }
  const server = createServer((request, response) => void take(receiver, request, response, check))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const receiver: NewsReceiver = {
    port: (server.address() as AddressInfo).port,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/system/notify`,
    taken: [],
    seen: [],
    givenUp: 0,
    contentTypes: new Set(),
    answer: () => 200,
    headers: {},
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    close: () => closeServer(server),
    [Symbol.asyncDispose]: () => closeServer(server),
  }
  return receiver
}

async function take(
  receiver: NewsReceiver,
  request: IncomingMessage,
  response: ServerResponse,
  check: () => void,
): Promise<void> {
  const post = JSON.parse(await text(request)) as Post
  receiver.contentTypes.add(`${request.method} ${request.headers['content-type']}`)
  receiver.seen.push(post)
  response.once('close', () => {
    if (!response.writableFinished) receiver.givenUp += 1
    check()
  })
  check()
  const status = await receiver.answer(post)
  if (status < 300) receiver.taken.push(post)
  response.writeHead(status, receiver.headers).end('"OK"')
  check()
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
