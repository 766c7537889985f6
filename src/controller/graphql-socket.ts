import type { IncomingMessage, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { GraphQLError } from 'graphql'
import type { Context as Connection, SubscribePayload } from 'graphql-ws'
import { type Extra, useServer as serveGraphQL } from 'graphql-ws/use/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { makeCaller, type Principal } from '../domain/access/principal.ts'
import type { ListSizes } from '../domain/list-sizes.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { accessEnded, type Callers } from './callers.ts'
import { formatError } from './format-error.ts'
import { readVariables } from './list-filter.ts'
import { type SharedParts, SharedSubscriptions, type SocketOperation } from './shared-subscriptions.ts'
import { isDocument, SocketDocuments } from './socket-documents.ts'
import { findInitProblem, SocketLimits } from './socket-limits.ts'
import { cutReason, SocketPrincipals } from './socket-principals.ts'
import { closeUnread, watchUnread } from './unread-socket.ts'

export interface SocketOptions extends SharedParts {
  /** Throws for a request that is not allowed. */
  guard(request: IncomingMessage): void
  /** The sizes of lists at present, as a caller may see them. */
  sizes(principal: Principal): ListSizes
  callers: Callers
}

type AnyServer = Server | SecureServer

/** Bytes of one message. */
const MAX_PAYLOAD = 256 * 1024
const INIT_TIMEOUT_MS = 5000
/** The protocol's close codes for an invalid message, and for a caller who may do nothing. Clients do not try again. */
const BAD_REQUEST = 4400
const UNAUTHORIZED = 4401

/** Serves GraphQL over graphql-ws at /graphql. Close it before the server: closing ends all subscriptions. */
export function serveSocket(
  servers: readonly AnyServer[],
  options: SocketOptions,
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD })
  const limits = new SocketLimits()
  const documents = new SocketDocuments(options.schema)
  const subscriptions = new SharedSubscriptions(options)
  const principals = new SocketPrincipals(options.callers, (socket) => subscriptions.close(socket))
  const graphql = serveGraphQL(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: (connection) => acceptInit(connection, principals, options.callers),
      onSubscribe(connection, id, payload) {
        const principal = principals.find(connection.extra.socket)
        const problem = principal ? limits.begin(connection, id, payload) : toGraphQLError(accessEnded())
        return problem || !principal
          ? [problem ?? toGraphQLError(accessEnded())]
          : prepareOperation({ id, payload, principal, ...connection.extra }, documents, options)
      },
      // onSubscribe made these args.
      subscribe: (operation) => subscriptions.subscribe(operation as SocketOperation),
      onComplete: (connection, id) => limits.end(connection, id),
      onClose(connection) {
        limits.close(connection)
        subscriptions.close(connection.extra.socket)
        principals.forget(connection.extra.socket)
      },
      // biome-ignore lint/complexity/useMaxParams: graphql-ws calls it
      onError(connection, id, _payload, errors) {
        limits.end(connection, id)
        return format(errors, options)
      },
      // biome-ignore lint/complexity/useMaxParams: graphql-ws calls it
      onNext: (_context, _id, _payload, _args, result) =>
        result.errors && { ...result, errors: format(result.errors, options) },
    },
    sockets,
  )
  for (const server of servers) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      upgrade(sockets, options, { request, socket, head }),
    )
  }
  return {
    async close() {
      principals.close()
      await graphql.dispose()
    },
  }
}

/** Forgets the payload. Returning false closes the socket; the close frame here has the reason. */
async function acceptInit(
  connection: Connection<Record<string, unknown>, Extra>,
  principals: SocketPrincipals,
  callers: Callers,
): Promise<boolean> {
  const { connectionParams, extra } = connection
  const problem = findInitProblem(connectionParams)
  Object.assign(connection, { connectionParams: undefined })
  if (problem !== undefined) extra.socket.close(BAD_REQUEST, problem)
  if (problem !== undefined) return false
  try {
    principals.admit(extra, connectionParams)
    return true
  } catch (error) {
    const refusal = await callers.countRefusal(error, extra.request)
    if (!(refusal instanceof BackupdError)) throw refusal
    extra.socket.close(UNAUTHORIZED, cutReason(refusal.message))
    return false
  }
}

interface Request extends Extra {
  principal: Principal
  id: string
  payload: SubscribePayload
}

/** What to execute, or the errors: an invalid document ends only its operation, not the connection. */
function prepareOperation(
  { id, payload, socket, request, principal }: Request,
  documents: SocketDocuments,
  { schema, makeContext, sizes, callers }: SocketOptions,
): SocketOperation | readonly GraphQLError[] {
  const prepared = documents.prepare(payload.query, {
    sizes: sizes(principal),
    variables: readVariables(payload.variables),
  })
  if (!isDocument(prepared)) return prepared
  const context = makeContext(makeCaller(principal, 'graphql-ws', callers.senders.find(request).address))
  return {
    id,
    socket,
    scope: principal.scope,
    prepared,
    schema,
    document: prepared.document,
    operationName: payload.operationName ?? null,
    variableValues: payload.variables ?? {},
    contextValue: { ...context, onBehind: () => closeUnread(socket) },
  }
}

function toGraphQLError(error: BackupdError): GraphQLError {
  return new GraphQLError(error.message, { originalError: error })
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
  const refusal = checkUpgrade(request, options)
  if (refusal) refuseUpgrade(socket, refusal)
  else sockets.handleUpgrade(request, socket, head, (webSocket) => acceptSocket(sockets, webSocket, request))
}

function acceptSocket(sockets: WebSocketServer, webSocket: WebSocket, request: IncomingMessage): void {
  watchUnread(webSocket)
  sockets.emit('connection', webSocket, request)
  // The library would print errors of clients; the socket closes on its own, with the code for the error.
  webSocket.removeAllListeners('error')
  webSocket.on('error', () => {})
}

interface Refusal {
  status: string
  words: string
}

function checkUpgrade(request: IncomingMessage, options: SocketOptions): Refusal | undefined {
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

function refuseUpgrade(socket: Duplex, { status, words }: Refusal): void {
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
