// How the programs and the IDE use the GraphQL API: documents (*.graphql), their types (generated/, by graphql-codegen),
// and execute(), which runs a document in this process or over HTTP. rest-compat/, cli/ and web/ use it; controller/
// provides the execute() of this process. It knows no resolvers and no domain, and may import only wire.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { GraphQLFormattedError } from 'graphql'

/** Executes a typed document at a controller. Throws a ControllerError. */
export type Execute = <R, V extends object>(document: TypedDocumentNode<R, V>, variables: V) => Promise<R>

/** An error of the controller: a stable code, a sentence, facts for programs, and what to do. */
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

/** Returns the data of a GraphQL answer. Throws its first error as a ControllerError. */
export function readResult<R>(answer: {
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
