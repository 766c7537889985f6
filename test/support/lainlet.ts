import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** Faults, from the next request on. */
export type Misbehaviour =
  /** Hangs up before it answers. */
  | 'hang-up'
  /** Takes the request and never answers. */
  | 'mute'
  /** Sends its state, then nothing more, not even heartbeats. */
  | 'silent'
  /** Ends the connection right after its state. */
  | 'short'
  /** A first state that is not JSON. */
  | 'garbage'
  /** An error event instead of a first state, as the real one sends if it cannot reach its store. */
  | 'error'
  /** Sends heartbeats, but never its state. */
  | 'beating'
  /** Bytes that are not events, then only heartbeats. */
  | 'babbling'
  /** One event without an end, byte by byte. */
  | 'slow'
  /** One event larger than anything sensible. */
  | 'huge'
  /** Answers the document without watching. */
  | 'json'
  | 'redirect'
  | 'failing'

export interface Lainlet extends AsyncDisposable {
  /** HOST:PORT, as --lainlet takes it. */
  address: string
  port: number
  /** The requests, in order. */
  requests: string[]
  /** Number of current watchers. */
  readonly watchers: number
  /** Sets the state and sends it to all present and later watchers. `event` is `update` by default. */
  tell(document: unknown, event?: string): void
  /** Sends raw bytes to all watchers. */
  send(bytes: string): void
  /** Ends all connections; new ones are served. */
  cut(): void
  /** undefined = no fault. Existing connections stay open: see cut(). */
  misbehave(how: Misbehaviour | undefined): void
  close(): Promise<void>
}

export interface LainletPlace {
  host?: string
  /** Default: any free one. */
  port?: number
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nVary: Accept-Encoding\r\n\r\n'

/**
 * A lainlet with one document, `/v2/backupspec`: plain, and as an event stream in the bytes of the real one (no
 * length, no chunks, the connection is the stream).
 */
export async function startLainlet(first: unknown, place: LainletPlace = {}): Promise<Lainlet> {
  const { host = '127.0.0.1', port = 0 } = place
  const watchers = new Set<Watcher>()
  const sockets = new Set<Socket>()
  const requests: string[] = []
  let document = first
  let how: Misbehaviour | undefined
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    if (how !== undefined && how !== 'silent') return void WRONG[how](request, document)
    const { searchParams } = new URL(request.url ?? '/', 'http://lainlet')
    if (searchParams.get('watch') !== '1') return void response.end(JSON.stringify(document))
    const beat = how === 'silent' ? 0 : Number(searchParams.get('heartbeat') ?? 0)
    const watcher = new Watcher(request.socket, beat)
    watchers.add(watcher)
    request.socket.on('close', () => watchers.delete(watcher))
    watcher.tell('init', document)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async () => {
    cut()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  const address = server.address() as AddressInfo
  return {
    address: `${host}:${address.port}`,
    port: address.port,
    requests,
    get watchers() {
      return watchers.size
    },
    tell(next, event = 'update') {
      document = next
      for (const watcher of watchers) watcher.tell(event, next)
    },
    send(bytes) {
      for (const watcher of watchers) watcher.send(bytes)
    },
    cut,
    misbehave(next) {
      how = next
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

class Watcher {
  readonly #socket: Socket
  #id = 0

  constructor(socket: Socket, heartbeatSeconds: number) {
    this.#socket = socket
    socket.write(HEAD)
    if (heartbeatSeconds === 0) return
    const timer = setInterval(() => this.send('id: 0\nevent: heartbeat\n\n'), heartbeatSeconds * 1000)
    socket.on('close', () => clearInterval(timer))
  }

  tell(event: string, document: unknown): void {
    this.#id += 1
    this.send(`id: ${this.#id}\nevent: ${event}\ndata: ${JSON.stringify(document)}\n\n`)
  }

  send(bytes: string): void {
    this.#socket.write(bytes)
  }
}

type Answer = (request: IncomingMessage, document: unknown) => void

const WRONG: Record<Exclude<Misbehaviour, 'silent'>, Answer> = {
  'hang-up': ({ socket }) => socket.destroy(),
  mute: () => {},
  short: ({ socket }, document) =>
    socket.end(`${HEAD}id: 1\nevent: init\ndata: ${JSON.stringify(document)}\n\n`),
  garbage: ({ socket }) => socket.write(`${HEAD}id: 1\nevent: init\ndata: {"hello.web.web": [\n\n`),
  error: ({ socket }) => socket.end(`${HEAD}id: 0\nevent: error\ndata: etcd cluster is unavailable\n\n`),
  beating: ({ socket }) => beat(socket),
  babbling: ({ socket }) => beat(socket, randomBytes(5000)),
  slow({ socket }) {
    socket.write(`${HEAD}id: 1\nevent: init\ndata: {`)
    const timer = setInterval(() => socket.write(' '), 20)
    socket.on('close', () => clearInterval(timer))
  },
  huge({ socket }) {
    const chunk = Buffer.alloc(1 << 20, 0x20)
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.write(`${HEAD}id: 1\nevent: init\ndata: {`)
    socket.on('drain', more)
    more()
  },
  json: ({ socket }, document) => socket.end(answer('200 OK', 'application/json', JSON.stringify(document))),
  redirect: ({ socket }) =>
    socket.end(answer('302 Found\r\nLocation: http://127.0.0.1:1/', 'text/event-stream', '')),
  failing: ({ socket }) => socket.end(answer('500 Internal Server Error', 'text/plain', 'no')),
}

function beat(socket: Socket, first: Uint8Array = new Uint8Array()): void {
  socket.write(HEAD)
  socket.write(first)
  const timer = setInterval(() => socket.write('id: 0\nevent: heartbeat\n\n'), 100)
  socket.on('close', () => clearInterval(timer))
}

function answer(status: string, type: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}
