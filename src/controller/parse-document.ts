import { type DocumentNode, GraphQLError, parse } from 'graphql'
import { messageOf } from '../lib/errors.ts'
import { MAX_TOKENS } from './apollo.ts'

/** Parses the document of a client, or returns the error. */
export function parseDocument(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: MAX_TOKENS })
  } catch (error) {
    return error instanceof GraphQLError ? error : new GraphQLError(messageOf(error))
  }
}
