import type { ApolloServer } from '@apollo/server'
import type { Execute } from '../client/execute.ts'
import { resultOf } from '../client/execute.ts'
import type { Context } from '../resolvers/context.ts'

/** Runs typed documents in this process, without HTTP. `makeContext` says who asks. */
export function executeIn(apollo: ApolloServer<Context>, makeContext: () => Context): Execute {
  return async (document, variables) => {
    const { body } = await apollo.executeOperation(
      { query: document, variables: { ...variables } },
      { contextValue: makeContext() },
    )
    if (body.kind !== 'single') throw new Error('Answers in pieces are not asked for')
    return resultOf(body.singleResult)
  }
}
