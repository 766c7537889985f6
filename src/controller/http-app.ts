import type { IncomingMessage } from 'node:http'
import type { ApolloServer } from '@apollo/server'
import fastifyApollo from '@as-integrations/fastify'
import type { FastifyInstance } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { type Caller, makeCaller, type Principal } from '../domain/access/principal.ts'
import type { ListSizes } from '../domain/list-sizes.ts'
import { createApp } from '../http/app.ts'
import type { Log } from '../lib/log.ts'
import type { Context } from '../resolvers/context.ts'
import { addBrowserHeaders } from './browser-headers.ts'
import type { Callers } from './callers.ts'
import { refuseCostlyDocuments } from './refuse-costly.ts'
import { requireCaller } from './require-caller.ts'
import { sendRefusal } from './send-refusal.ts'

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
    refuse: (error, request, reply) => sendRefusal(error, request, { reply, log }),
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
