import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type DocumentNode, GraphQLError, parse, specifiedRules, validate } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { useServer as serveGraphQL } from 'graphql-ws/use/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { messageOf } from '../lib/errors.ts'
import type { Context } from '../resolvers/context.ts'
import { type GraphQLParts, MAX_TOKENS } from './apollo.ts'
import { formatError } from './format-error.ts'

export interface SocketOptions extends GraphQLParts {
  /** Throws for a request that may not come in. */
  guard(request: IncomingMessage): void
  makeContext(who: string): Context
}

/** Bytes of one message. */
const MAX_PAYLOAD = 256 * 1024
const INIT_PATIENCE_MS = 5000

/** GraphQL over graphql-ws at /graphql of the server. Close it before the server: it ends every subscription. */
export function serveSocket(server: Server, options: SocketOptions): { close(): Promise<void> } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD })
  const graphql = serveGraphQL(
    {
      connectionInitWaitTimeout: INIT_PATIENCE_MS,
      onSubscribe: ({ extra }, _id, payload) => operationOf(payload, extra.request, options),
      onError: (_context, _id, _payload, errors) => format(errors, options),
      onNext: (_context, _id, _payload, _args, result) =>
        result.errors && { ...result, errors: format(result.errors, options) },
    },
    sockets,
  )
  server.on('upgrade', (request, socket, head) => upgrade(sockets, options, { request, socket, head }))
  return { close: async () => void (await graphql.dispose()) }
}

/** What to execute, or why not: a document with faults ends its own operation, not the connection. */
function operationOf(payload: SubscribePayload, { socket }: IncomingMessage, options: SocketOptions) {
  const { schema, limits, makeContext } = options
  const document = parsed(payload.query)
  if (document instanceof GraphQLError) return [document]
  const problems = validate(schema, document, [...specifiedRules, ...limits])
  if (problems.length > 0) return problems
  return {
    schema,
    document,
    operationName: payload.operationName ?? null,
    variableValues: payload.variables ?? {},
    contextValue: makeContext(`graphql-ws ${socket.remoteAddress ?? ''}`),
  }
}

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: MAX_TOKENS })
  } catch (error) {
    return error instanceof GraphQLError ? error : new GraphQLError(messageOf(error))
  }
}

function format(errors: readonly GraphQLError[], { log }: SocketOptions) {
  return errors.map((error) => formatError(error, log))
}

interface Upgrade {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
}

function upgrade(sockets: WebSocketServer, options: SocketOptions, { request, socket, head }: Upgrade): void {
  const refusal = refusalOf(request, options)
  if (refusal) refuse(socket, refusal)
  else sockets.handleUpgrade(request, socket, head, (webSocket) => accept(sockets, webSocket, request))
}

function accept(sockets: WebSocketServer, webSocket: WebSocket, request: IncomingMessage): void {
  sockets.emit('connection', webSocket, request)
  // The library would print what a client did wrong; the socket closes by itself, with the code that says it.
  webSocket.removeAllListeners('error')
  webSocket.on('error', () => {})
}

interface Refusal {
  status: string
  words: string
}

function refusalOf(request: IncomingMessage, options: SocketOptions): Refusal | undefined {
  if (request.url?.split('?')[0] !== '/graphql') {
    return { status: '404 Not Found', words: 'There is no WebSocket here: use /graphql' }
  }
  try {
    options.guard(request)
    return undefined
  } catch (error) {
    return { status: '403 Forbidden', words: messageOf(error) }
  }
}

function refuse(socket: Duplex, { status, words }: Refusal): void {
  const body = JSON.stringify(words)
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.on('error', () => {})
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
