import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { GraphQLFormattedError } from 'graphql'

/** Asks the controller. Throws a ControllerError. */
export type Execute = <R, V extends object>(document: TypedDocumentNode<R, V>, variables: V) => Promise<R>

/** The controller's refusal: a stable code, a sentence, what a program may want to know, and what to do. */
export class ControllerError extends Error {
  readonly code: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly action: string | null

  constructor(message: string, { code, facts, action }: { code: string; facts?: unknown; action?: unknown }) {
    super(message)
    this.name = 'ControllerError'
    this.code = code
    this.facts = typeof facts === 'object' && facts !== null ? (facts as Record<string, unknown>) : {}
    this.action = typeof action === 'string' ? action : null
  }
}

/** What a GraphQL answer holds, or its first error. */
export function resultOf<R>(answer: {
  data?: unknown
  errors?: readonly GraphQLFormattedError[] | undefined
}): R {
  const [error] = answer.errors ?? []
  if (!error) return answer.data as R
  const { code, facts, action } = error.extensions ?? {}
  throw new ControllerError(error.message, {
    code: typeof code === 'string' ? code : 'INTERNAL',
    facts,
    action,
  })
}
