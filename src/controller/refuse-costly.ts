import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GraphQLError, type GraphQLSchema } from 'graphql'
import type { Principal } from '../domain/access/principal.ts'
import type { ListSizes } from '../domain/list-sizes.ts'
import type { Log } from '../lib/log.ts'
import { findDocumentProblem } from './document-problem.ts'
import { formatError } from './format-error.ts'
import { readVariables, type Variables } from './list-filter.ts'
import { parseDocument } from './parse-document.ts'

export interface CostOptions {
  schema: GraphQLSchema
  log: Log
  /** The sizes of lists at present, as a caller may see them. */
  sizes(principal: Principal): ListSizes
}

interface Asked {
  query: string
  variables: Variables
}

/**
 * Refuses documents that request too much before Apollo sees them, because one of GraphQL's own rules takes quadratic
 * time for repeated fields.
 */
export function refuseCostlyDocuments(app: FastifyInstance, options: CostOptions): void {
  app.addHook('preHandler', async (request, reply) => {
    if (request.routeOptions.url !== '/graphql') return
    const problem = readQueries(request)
      .map((asked) => findCostProblem(options, asked, request.principal))
      .find(Boolean)
    if (problem) await reply.code(400).send({ errors: [formatError(problem, options.log)] })
  })
}

/** The documents at all places where Apollo may read one. */
function readQueries({ body, query }: FastifyRequest): Asked[] {
  return [body, query].flatMap((fields) => {
    const { query: found, variables } = (fields ?? {}) as { query?: unknown; variables?: unknown }
    const queries = [found].flat().filter((each) => typeof each === 'string')
    return queries.map((each) => ({ query: each, variables: readVariables(variables) }))
  })
}

/** Leaves documents that cannot be parsed to Apollo, which refuses them. */
function findCostProblem(
  { schema, sizes }: CostOptions,
  { query, variables }: Asked,
  principal: Principal,
): GraphQLError | undefined {
  const document = parseDocument(query)
  return document instanceof GraphQLError
    ? undefined
    : findDocumentProblem(schema, document, { sizes: sizes(principal), variables })
}
