import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled'
import type { GraphQLSchema } from 'graphql'
import type { Log } from '../lib/log.ts'
import type { Context } from '../resolvers/context.ts'
import { formatError } from './format-error.ts'

export interface GraphQLParts {
  schema: GraphQLSchema
  log: Log
}

/** Limit of tokens in a document, which the parser reads before any validation rule applies. */
export const MAX_TOKENS = 5000

/** Starts GraphQL over HTTP, with CSRF protection. The caller stops it. */
export async function startApollo({ schema, log }: GraphQLParts): Promise<ApolloServer<Context>> {
  const apollo = new ApolloServer<Context>({
    schema,
    parseOptions: { maxTokens: MAX_TOKENS },
    introspection: true,
    csrfPrevention: true,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginLandingPageDisabled()],
    logger: apolloLog(log),
    formatError: (formatted, error) => formatError({ ...formatted, originalError: unwrapError(error) }, log),
  })
  await apollo.start()
  return apollo
}

function unwrapError(error: unknown): unknown {
  return error instanceof Error && 'originalError' in error ? error.originalError : undefined
}

function apolloLog(log: Log) {
  return {
    debug() {},
    info() {},
    warn: (message: unknown) => log.warn({}, String(message)),
    error: (message: unknown) => log.error({}, String(message)),
  }
}
