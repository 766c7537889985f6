import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { type Caller, makeCaller, type Principal } from '../domain/access/principal.ts'
import type { ListSizes } from '../domain/list-sizes.ts'
import { createApp, printJson } from '../http/app.ts'
import { frameworkRefusal } from '../http/framework-refusal.ts'
import type { ErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Context } from '../resolvers/context.ts'
import { ERROR_CODE_HEADER } from '../wire/error-code-header.ts'
import { addBrowserHeaders } from './browser-headers.ts'
import type { Callers } from './callers.ts'
import { refuseCostlyDocuments } from './refuse-costly.ts'
import { requireCaller } from './require-caller.ts'

export interface ControllerHttpOptions {
  apollo: ApolloServer<Context>
  makeContext(caller: Caller): Context
  callers: Callers
  /** Tell browsers that came through TLS to use nothing else. */
  hsts: boolean
  /** Throws for a request that is not allowed. */
  guard(request: IncomingMessage): void
  log: Log
  schema: GraphQLSchema
  /** The sizes of lists at present. */
  sizes(principal: Principal): ListSizes
}

/** Creates the HTTP server, not yet listening: guarded, GraphQL at /graphql, 404 for unknown paths. */
export async function createHttpApp({
  apollo,
  makeContext,
  callers,
  hsts,
  guard,
  log,
  schema,
  sizes,
}: ControllerHttpOptions): Promise<FastifyInstance> {
  const app = createApp({
    guard: ({ raw }) => guard(raw),
    refuse: (error, request, reply) => refuse(error, request, { reply, log }),
  })
  app.removeContentTypeParser('text/plain')
  addBrowserHeaders(app, { senders: callers.senders, hsts })
  requireCaller(app, callers)
  refuseCostlyDocuments(app, { schema, log, sizes })
  await app.register(fastifyApollo(apollo), {
    path: '/graphql',
    method: ['GET', 'POST'],
    context: async ({ raw, principal }) =>
      makeContext(makeCaller(principal, 'graphql', callers.senders.find(raw).address)),
  })
  return app
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  BAD_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_PERMITTED: 403,
  TLS_REQUIRED: 403,
  TOO_MANY_SIGN_INS: 429,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_COSTLY: 503,
  OVERLOADED: 503,
  CATALOG_UNUSABLE: 503,
}

/** The body of a refusal says what is wrong: as GraphQL errors at /graphql, as a JSON string elsewhere. */
function refuse(
  error: unknown,
  request: FastifyRequest,
  { reply, log }: { reply: FastifyReply; log: Log },
): FastifyReply {
  const { status, code, message } = toRefusal(error, log)
  const words = request.url.startsWith('/graphql') ? { errors: [{ message, extensions: { code } }] } : message
  return printJson(reply.code(status).header(ERROR_CODE_HEADER, code), words)
}

function toRefusal(error: unknown, log: Log): { status: number; code: ErrorCode; message: string } {
  if (error instanceof BackupdError && STATUS[error.code] !== undefined) {
    return { status: STATUS[error.code] ?? 500, code: error.code, message: error.message }
  }
  const refused = frameworkRefusal(error)
  if (refused) return { ...refused, code: 'BAD_INPUT' }
  const id = randomUUID()
  log.error({ id, err: error }, 'A request failed with an internal error')
  return { status: 500, code: 'INTERNAL', message: `Something went wrong here; the log has it under ${id}` }
}
