import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { frameworkRefusal } from '../http/framework-refusal.ts'
import { meterBodies } from '../http/meter-bodies.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Context } from '../resolvers/context.ts'
import { ERROR_CODE_HEADER } from '../wire/error-codes.ts'
import { refuseCostlyDocuments } from './refuse-costly.ts'

export interface HttpOptions {
  apollo: ApolloServer<Context>
  makeContext(who: string): Context
  /** Throws for a request that may not come in. */
  guard(request: IncomingMessage): void
  log: Log
  schema: GraphQLSchema
}

const BODY_LIMIT = 1024 * 1024
/** As the recorded system writes it. */
export const JSON_TYPE = 'application/json; charset=UTF-8'
const CLOSE_MS = 3000

/** The HTTP side, without a port yet: guarded, with GraphQL at /graphql; everything unknown is 404. */
export async function createHttpApp({
  apollo,
  makeContext,
  guard,
  log,
  schema,
}: HttpOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) => refuse(error, request, { reply, log }),
  })
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async ({ raw }) => guard(raw))
  meterBodies(app)
  refuseCostlyDocuments(app, schema, log)
  app.setErrorHandler<FastifyError>((error, request, reply) => refuse(error, request, { reply, log }))
  app.setNotFoundHandler((_request, reply) => print(reply.code(404), { msg: '404 not found' }))
  await app.register(fastifyApollo(apollo), {
    path: '/graphql',
    method: ['GET', 'POST'],
    context: async ({ ip }) => makeContext(`graphql ${ip}`),
  })
  return app
}

/** Throws CONFLICT where the port is in use, FORBIDDEN or BAD_INPUT where it cannot be had. Returns `http://HOST:PORT`. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    throw cannotListen(`${host}:${port}`, cause)
  }
  const address = app.server.address()
  const own = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${own}`
}

/** Lets requests end, not for long. */
export async function closeHttp(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS)
  await app.close().finally(() => clearTimeout(timer))
}

function cannotListen(address: string, cause: unknown): BackupdError {
  const errno = errnoOf(cause)
  const code = errno === 'EADDRINUSE' ? 'CONFLICT' : errno === 'EACCES' ? 'FORBIDDEN' : 'BAD_INPUT'
  const why =
    errno === 'EADDRINUSE' ? 'the port is in use; stop what uses it, or choose another' : messageOf(cause)
  return new BackupdError(code, `The controller cannot listen on ${address}: ${why}`, { cause })
}

const STATUS: Readonly<Record<string, number>> = {
  BAD_INPUT: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_COSTLY: 503,
}

/** Every refusal's body says what is wrong: GraphQL's way at /graphql, as a JSON string elsewhere. */
function refuse(
  error: unknown,
  request: FastifyRequest,
  { reply, log }: { reply: FastifyReply; log: Log },
): FastifyReply {
  const { status, code, message } = refusalOf(error, log)
  const words = request.url.startsWith('/graphql') ? { errors: [{ message, extensions: { code } }] } : message
  return print(reply.code(status).header(ERROR_CODE_HEADER, code), words)
}

function print(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(JSON.stringify(body))
}

function refusalOf(error: unknown, log: Log): { status: number; code: string; message: string } {
  if (error instanceof BackupdError && STATUS[error.code] !== undefined) {
    return { status: STATUS[error.code] ?? 500, code: error.code, message: error.message }
  }
  const refused = frameworkRefusal(error)
  if (refused) return { ...refused, code: 'BAD_INPUT' }
  const id = randomUUID()
  log.error({ id, err: error }, 'A request failed by a fault of ours')
  return { status: 500, code: 'INTERNAL', message: `Something went wrong here; the log has it under ${id}` }
}
