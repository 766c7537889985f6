import { randomUUID } from 'node:crypto'
import type { GraphQLFormattedError } from 'graphql'
import { ERROR_CODES, isErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** The common shape of errors from the two loaded copies of the graphql library, for which instanceof fails. */
interface AnyGraphQLError extends GraphQLFormattedError {
  originalError?: unknown
}

/**
 * What a client sees of an error: our code, the sentence, the facts. Of an internal error it sees only the id under
 * which the log has it.
 */
export function formatError(error: AnyGraphQLError, log: Log): GraphQLFormattedError {
  const { locations, path } = error
  const place = { ...(locations && { locations }), ...(path && { path }) }
  const cause = error.originalError
  if (cause instanceof BackupdError)
    return { message: cause.message, ...place, extensions: makeExtensions(cause) }
  if (isBadRequest(error))
    return { message: error.message, ...place, extensions: makeExtensions(asBadInput(error)) }
  const id = randomUUID()
  log.error({ id, err: cause ?? error }, 'A request failed with an internal error')
  const internal = new BackupdError('INTERNAL', `Something went wrong here; the log has it under ${id}`, {
    facts: { id },
  })
  return { message: internal.message, ...place, extensions: makeExtensions(internal) }
}

/** The request is at fault if it failed before execution or with a plain GraphQL error. */
function isBadRequest({ originalError, path, extensions }: AnyGraphQLError): boolean {
  return path === undefined ? extensions?.code !== 'INTERNAL_SERVER_ERROR' : originalError === undefined
}

/** Apollo replaces the code of a failed validation by its own; ours is in the inner error. */
function asBadInput({ message, extensions, originalError }: AnyGraphQLError): BackupdError {
  const within = (originalError as AnyGraphQLError | undefined)?.extensions
  const codes = [extensions?.code, within?.code].filter((code) => typeof code === 'string')
  return new BackupdError(codes.find(isErrorCode) ?? 'BAD_INPUT', message)
}

function makeExtensions({ code, facts }: BackupdError): Record<string, unknown> {
  return { code, facts, action: isErrorCode(code) ? ERROR_CODES[code] : null }
}
