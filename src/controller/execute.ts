import { type DocumentNode, execute, validate } from 'graphql'
import type { Execute } from '../client/execute.ts'
import { readResult } from '../client/execute.ts'
import type { Context } from '../resolvers/context.ts'
import type { GraphQLParts } from './apollo.ts'
import { formatError } from './format-error.ts'

/**
 * Executes typed documents in this process, without HTTP. `makeContext` names the caller; it is
 * called for each document, and throws if the caller may ask no more. The limits for documents of
 * clients do not apply: these are our own, each validated once.
 */
export function createExecute({ schema, log }: GraphQLParts, makeContext: () => Context): Execute {
  return async (document, variables) => {
    if (!checked.has(document)) check({ schema, document })
    const { data, errors } = await execute({
      schema,
      document,
      variableValues: variables as Record<string, unknown>,
      contextValue: { ...makeContext(), isOwnDocument: true },
    })
    return readResult({ data, errors: errors?.map((error) => formatError(error, log)) })
  }
}

const checked = new WeakSet<DocumentNode>()

function check({ schema, document }: { schema: GraphQLParts['schema']; document: DocumentNode }): void {
  const [problem] = validate(schema, document)
  if (problem) throw problem
  checked.add(document)
}
