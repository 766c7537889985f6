// A row is one legacy URL. rows/ has one file for each kind of thing: the path, the GraphQL document, how its variables
// are read, and what each refusal answers. legacy/ converts the results of documents to the JSON of the legacy system,
// and knows no URLs. Neither can do anything that GraphQL cannot.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { Execute } from '../client/execute.ts'
import type { RequestFields } from '../wire/request-fields.ts'
import { makeRefusalReply, type Refusals } from './refusal.ts'
import type { Reply } from './reply.ts'

/** A request, as a row reads it. */
export interface RestCall {
  /** Decoded path parameters; `*` is the part that matches the star of the pattern. */
  params: Readonly<Record<string, string>>
  fields: RequestFields
  /** Unix ms. */
  now: number
}

/** A legacy URL: its GraphQL document, how to read its arguments, and how to convert the answer to legacy JSON. */
export interface RestRow<R, V extends object> {
  method: 'GET' | 'POST' | 'PUT'
  /** With `?name=value` at the end, it matches only requests with that value. List such a row before the one without. */
  path: string
  document: TypedDocumentNode<R, V>
  /** The variables of the document. Throws BAD_INPUT. */
  ask(call: RestCall): V
  /** For a list in pages: the variables of the next request; undefined when done. */
  more?(pages: Pages<R>, call: RestCall): V | undefined
  /** @param execute reads the rest of a list that is sent in pieces */
  answer(pages: Pages<R>, call: RestCall, execute: Execute): Reply
  refused?: Refusals
}

export type Pages<R> = readonly [R, ...R[]]

/** A row without its type parameters, for the table. */
export interface RestRoute {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  /** Name of the GraphQL operation. */
  operation: string
  /** A refusal resolves as a reply and does not reject. */
  reply(call: RestCall, execute: Execute): Promise<Reply>
}

export function row<R, V extends object>(table: RestRow<R, V>): RestRoute {
  const { method, path, document } = table
  return {
    method,
    path,
    operation: readOperationName(document),
    async reply(call, execute) {
      try {
        return table.answer(await gather(table, call, execute), call, execute)
      } catch (error) {
        return makeRefusalReply(error, table.refused)
      }
    },
  }
}

async function gather<R, V extends object>(
  { document, ask, more }: RestRow<R, V>,
  call: RestCall,
  execute: Execute,
): Promise<Pages<R>> {
  const pages: [R, ...R[]] = [await execute(document, ask(call))]
  for (let next = more?.(pages, call); next; next = more?.(pages, call)) {
    pages.push(await execute(document, next))
  }
  return pages
}

function readOperationName({ definitions }: Pick<TypedDocumentNode, 'definitions'>): string {
  const operation = definitions.find(({ kind }) => kind === 'OperationDefinition')
  return operation && 'name' in operation ? (operation.name?.value ?? '') : ''
}
