// What the HTTP servers of both programs share: the Fastify app, the guard against web pages, and the limits of
// connections and bodies. controller/, daemon/ and cli/ use it; it knows no route, and may import lib and wire.

import type { Readable } from 'node:stream'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { meterBodies } from './meter-bodies.ts'

/** What differs between the HTTP servers of the two programs. */
export interface AppOptions {
  /** Throws for a request that is not allowed. */
  guard(request: FastifyRequest): void
  refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply
}

/** Bytes; the default of routes. */
export const BODY_LIMIT = 1024 * 1024
/** Spelled as the legacy system does. */
const JSON_TYPE = 'application/json; charset=UTF-8'
const CLOSE_MS = 3000

/** Creates an app with guard and limits, without routes, not yet listening. */
export function createApp({ guard, refuse }: AppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: refuse,
  })
  app.addHook('onRequest', async (request) => guard(request))
  meterBodies(app)
  app.setErrorHandler(refuse)
  app.setNotFoundHandler((_request, reply) => printJson(reply.code(404), { msg: '404 not found' }))
  return app
}

/** Sends a body as JSON with the status already set; a 204 has no body. */
export function printJson(reply: FastifyReply, body: unknown): FastifyReply {
  reply.header('content-type', JSON_TYPE)
  return reply.statusCode === 204 ? reply.send() : reply.send(JSON.stringify(body))
}

/** Sends JSON text, whole or in pieces, with the status already set. */
export function sendJson(reply: FastifyReply, text: string | Readable): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(text)
}

/**
 * Listens and returns `http://HOST:PORT`. Throws CONFLICT if the port is in use, FORBIDDEN or BAD_INPUT otherwise.
 * @param program named in the error, such as `daemon`
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
  program: string,
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    throw cannotListen(`The ${program} cannot listen on ${host}:${port}`, cause)
  }
  const address = app.server.address()
  const own = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${own}`
}

function cannotListen(what: string, cause: unknown): BackupdError {
  const errno = errnoOf(cause)
  if (errno === 'EADDRINUSE') {
    const message = `${what}: the port is in use. Stop what uses it, or choose another address`
    return new BackupdError('CONFLICT', message, { cause })
  }
  const code = errno === 'EACCES' ? 'FORBIDDEN' : 'BAD_INPUT'
  return new BackupdError(code, `${what}: ${messageOf(cause)}. Choose another address`, { cause })
}

/** Refuses new requests and waits up to CLOSE_MS for those under way. */
export async function closeApp(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS)
  await app.close().finally(() => clearTimeout(timer))
}
