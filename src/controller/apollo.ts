import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
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
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It wraps the resolver of each field, to find out that no answer may be cached.
      ApolloServerPluginCacheControlDisabled(),
      forbidCaching,
    ],
    logger: apolloLog(log),
    formatError: (formatted, error) => formatError({ ...formatted, originalError: unwrapError(error) }, log),
  })
  await apollo.start()
  return apollo
}

const forbidCaching: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        response.http.headers.set('cache-control', 'no-store')
      },
    }
  },
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
