import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import type { Log } from '../lib/log.ts'
import { findDocumentProblem } from './document-problem.ts'
import { formatError } from './format-error.ts'
import { parseDocument } from './parse-document.ts'

/**
 * Refuses documents that request too much before Apollo sees them, because one of GraphQL's own rules takes quadratic
 * time for repeated fields.
 */
export function refuseCostlyDocuments(app: FastifyInstance, schema: GraphQLSchema, log: Log): void {
  app.addHook('preHandler', async (request, reply) => {
    if (request.routeOptions.url !== '/graphql') return
    const problem = readQueries(request)
      .map((query) => findProblem(schema, query))
      .find(Boolean)
    if (problem) await reply.code(400).send({ errors: [formatError(problem, log)] })
  })
}

/** The documents at all places where Apollo may read one. */
function readQueries({ body, query }: FastifyRequest): string[] {
  const found = [body, query].map((fields) => (fields as { query?: unknown } | null | undefined)?.query)
  return found.flat().filter((each) => typeof each === 'string')
}

/** Leaves documents that cannot be parsed to Apollo, which refuses them. */
function findProblem(schema: GraphQLSchema, query: string): GraphQLError | undefined {
  const document = parseDocument(query)
  return document instanceof GraphQLError ? undefined : findDocumentProblem(schema, document)
}
