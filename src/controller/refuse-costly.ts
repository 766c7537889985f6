import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import type { Log } from '../lib/log.ts'
import { documentProblem } from './document-problem.ts'
import { formatError } from './format-error.ts'
import { parseDocument } from './parse-document.ts'

/**
 * Refuses documents that ask for too much before Apollo sees them: it would apply GraphQL's own rules first, one of
 * which takes the square of what is repeated.
 */
export function refuseCostlyDocuments(app: FastifyInstance, schema: GraphQLSchema, log: Log): void {
  app.addHook('preHandler', async (request, reply) => {
    if (request.routeOptions.url !== '/graphql') return
    const problem = queriesOf(request)
      .map((query) => problemOf(schema, query))
      .find(Boolean)
    if (problem) await reply.code(400).send({ errors: [formatError(problem, log)] })
  })
}

/** Wherever Apollo may take it from. */
function queriesOf({ body, query }: FastifyRequest): string[] {
  const found = [body, query].map((fields) => (fields as { query?: unknown } | null | undefined)?.query)
  return found.flat().filter((each) => typeof each === 'string')
}

/** What cannot be parsed is refused by Apollo. */
function problemOf(schema: GraphQLSchema, query: string): GraphQLError | undefined {
  const document = parseDocument(query)
  return document instanceof GraphQLError ? undefined : documentProblem(schema, document)
}
