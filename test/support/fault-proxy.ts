import { once } from 'node:events'
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { onEnd } from './lifetime.ts'

/**
 * What happens to a request: `reset` cuts the connection before it is forwarded, `lost` after the server has done it,
 * `cut` in the middle of its answer; a number is the status of an answer that the server never gave.
 */
type ProxyFault = 'reset' | 'lost' | 'cut' | number

export interface FaultProxy {
  endpoint: string
  /** Hits the next requests whose `METHOD /path?query` matches, once by default. */
  fail(pattern: RegExp, fault: ProxyFault, times?: number): void
  /** Hits every `nth` request with the next of the faults, from now until the returned function is called. */
  storm(faults: readonly ProxyFault[], nth?: number): () => void
  /** Answers lists as they were the first time they were asked for from now on, until the returned function is called. */
  freezeLists(): () => void
  /** How many requests were hit by a storm. */
  readonly stormed: number
  /** Every request so far, as `METHOD /path?query`. */
  requests: string[]
  /** The `Range` of each request that had one. */
  ranges: string[]
  /** How many requests were under way at the same time, at most. */
  readonly mostAtOnce: number
  /** Throws if a fault was never hit: such a test proves nothing. */
  assertAllHit(): void
}

/** What a server shows its clients, as PEM. */
export interface TlsIdentity {
  key: string
  cert: string
}

/** A network between a client and a real HTTP server, which fails as ordered. */
export async function startFaultProxy(target: string, identity?: TlsIdentity): Promise<FaultProxy> {
  const orders: { pattern: RegExp; fault: ProxyFault; left: number }[] = []
  const requests: string[] = []
  const ranges: string[] = []
  const open = { now: 0, most: 0 }
  let storm: Iterator<ProxyFault | undefined> | undefined
  let stormed = 0
  let frozen: Map<string, Buffer> | undefined
  const findFault = (line: string) => {
    const order = orders.find(({ pattern, left }) => left > 0 && pattern.test(line))
    if (order) order.left -= 1
    const stormFault = order ? undefined : storm?.next().value
    if (stormFault !== undefined) stormed++
    return order?.fault ?? stormFault
  }
  const onRequest: RequestListener = (request, response) => {
    const line = `${request.method} ${request.url}`
    requests.push(line)
    if (request.headers.range !== undefined) ranges.push(request.headers.range)
    open.most = Math.max(open.most, ++open.now)
    response.once('close', () => open.now--)
    const isList = request.method === 'GET' && /[?&]list-type=2/.test(line)
    const passing = { request, response, fault: findFault(line) }
    pass(new URL(target), isList && frozen ? { ...passing, frozen } : passing)
  }
  const server = identity ? createTlsServer(identity, onRequest) : createServer(onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    endpoint: `${identity ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (pattern, fault, times = 1) => void orders.push({ pattern, fault, left: times }),
    storm(faults, nth = 1) {
      storm = hitEvery(faults, nth)
      return () => {
        storm = undefined
      }
    },
    freezeLists() {
      frozen = new Map()
      return () => {
        frozen = undefined
      }
    },
    get stormed() {
      return stormed
    },
    requests,
    ranges,
    get mostAtOnce() {
      return open.most
    },
    assertAllHit() {
      const missed = orders.filter(({ left }) => left > 0).map(({ pattern }) => `${pattern}`)
      if (missed.length > 0) throw new Error(`Faults that were never hit: ${missed.join(', ')}`)
    },
  }
}

function* hitEvery(faults: readonly ProxyFault[], nth: number): Generator<ProxyFault | undefined, undefined> {
  for (let n = 1; ; n++) yield n % nth === 0 ? faults[(n / nth) % faults.length] : undefined
}

interface Passing {
  request: IncomingMessage
  response: ServerResponse
  fault: ProxyFault | undefined
  /** For a list whose answers do not change any more. */
  frozen?: Map<string, Buffer>
}

function pass(target: URL, { request, response, fault, frozen }: Passing): void {
  if (fault === 'reset') return void request.socket.destroy()
  if (typeof fault === 'number') return void refuse(request, response, fault)
  const { expect: _answeredHere, ...headers } = request.headers
  const { method, url: path } = request
  const onward = forward({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
    if (fault === 'lost') return void request.socket.destroy()
    const { 'content-length': length, ...others } = answer.headers
    response.writeHead(answer.statusCode ?? 500, frozen || length === undefined ? others : answer.headers)
    if (method === 'HEAD') return void response.end()
    if (frozen) return void answerFrozen(frozen, { request, answer, response })
    if (fault === 'cut') return void answer.once('data', (chunk) => cutAfter(chunk, response))
    pipeline(answer, response, () => {})
  })
  // Swift sends a body after some answers to HEAD, which is an error once they have arrived.
  onward.on('error', () => response.headersSent || request.socket.destroy())
  pipeline(request, onward, () => {})
}

async function answerFrozen(
  frozen: Map<string, Buffer>,
  {
    request,
    answer,
    response,
  }: { request: IncomingMessage; answer: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>))
  const key = request.url ?? ''
  const known = frozen.get(key) ?? body
  frozen.set(key, known)
  response.end(known)
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume()
  request.once('end', () =>
    response
      .writeHead(status, { 'content-type': 'application/xml' })
      .end('<Error><Code>SlowDown</Code></Error>'),
  )
}

function cutAfter(chunk: Buffer, response: ServerResponse): void {
  response.write(chunk.subarray(0, chunk.length >> 1), () => response.destroy())
}
